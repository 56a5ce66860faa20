/** A table that a click on a heading sorts. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { formatCount } from "../units";
import type { Listed } from "./document";

export interface Column<Row> {
  title: string;
  /** What rows are sorted by; numbers stand right, the greatest first. */
  value(row: Row): string | number | null;
  /** What is shown, if not the value. */
  cell?(row: Row): ComponentChildren;
  numeric?: boolean;
}

interface TableProps<Row> {
  title: string;
  listed: Listed<Row>;
  columns: Column<Row>[];
  empty: string;
}

interface Order {
  column: number;
  /** 1: the least first. */
  direction: 1 | -1;
}

export function SortedTable<Row>({ title, listed, columns, empty }: TableProps<Row>) {
  const order = useSignal<Order | null>(null);
  const { rows, total } = listed;
  if (rows.length === 0) return <p class="quiet">{empty}</p>;
  const sort = (column: number): void => {
    const first = columns[column]?.numeric ? -1 : 1;
    const again = order.value?.column === column;
    order.value = { column, direction: again && order.value?.direction === first ? -first as 1 | -1 : first };
  };
  return (
    <>
      {total > rows.length && (
        <p class="quiet">
          The first {formatCount(rows.length)} of {formatCount(total)}.
        </p>
      )}
      <div class="scroll" tabIndex={0} role="group" aria-label={title}>
        <table class="data" aria-label={title}>
          <thead>
            <tr>
              {columns.map(({ title: name, numeric }, column) => (
                <th
                  key={name}
                  scope="col"
                  class={numeric ? "numeric" : ""}
                  aria-sort={sortedBy(order.value, column)}
                >
                  <button type="button" onClick={() => sort(column)}>
                    {name}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted(rows, columns, order.value).map((row, index) => (
              <tr key={index}>
                {columns.map(({ title: name, numeric, value, cell }) => (
                  <td key={name} class={numeric ? "numeric" : ""} title={hint(value(row))}>
                    {cell ? cell(row) : value(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function sortedBy(order: Order | null, column: number): "ascending" | "descending" | "none" {
  if (order?.column !== column) return "none";
  return order.direction === 1 ? "ascending" : "descending";
}

/** A long text may be cut off in its cell. */
function hint(value: string | number | null): string | undefined {
  return typeof value === "string" && value.length > 30 ? value : undefined;
}

/** What is not known comes last, whichever way. */
export function sorted<Row>(rows: Row[], columns: Column<Row>[], order: Order | null): Row[] {
  const value = order && columns[order.column]?.value;
  if (!value) return rows;
  return [...rows].sort((left, right) => {
    const [a, b] = [value(left), value(right)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const compared =
      typeof a === "string" && typeof b === "string" ? a.localeCompare(b) : Number(a) - Number(b);
    return compared * order.direction;
  });
}
