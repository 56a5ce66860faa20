/** A table of things of one kind. */
import type { ComponentChildren } from "preact";

export interface Column<Row> {
  title: string;
  /** Numbers stand right, so that their digits do. */
  numeric?: boolean;
  cell(row: Row): ComponentChildren;
}

interface TableProps<Row> {
  title: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf(row: Row): string;
  empty: string;
}

export function Table<Row>({ title, columns, rows, keyOf, empty }: TableProps<Row>) {
  return (
    <section class="block">
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p class="quiet">{empty}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="group" aria-label={title}>
          <table class="data">
            <thead>
              <tr>
                {columns.map(({ title: name, numeric }) => (
                  <th key={name} scope="col" class={numeric ? "numeric" : ""}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={keyOf(row)}>
                  {columns.map(({ title: name, numeric, cell }) => (
                    <td key={name} class={numeric ? "numeric" : ""}>
                      {cell(row)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
