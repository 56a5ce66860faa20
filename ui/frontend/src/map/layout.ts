/** Where services and the lines between them stand: callers left of whom they call. Pixels. */
import { keyOf } from "./model";
import type { ServiceMap } from "./model";

export const NODE = { width: 176, height: 46 } as const;
/** Room for the numbers of an edge, whatever they are: they change, the layout does not. */
const LABEL = { width: 130, height: 42 } as const;
const MARGIN = 10;
/** So far a line goes straight on before it bends. */
const STRAIGHT = 24;
/** Between neighbours, between lines, and from a service to the numbers of its calls. */
const BETWEEN = { nodesep: 22, edgesep: 8, ranksep: 60 } as const;

/** What is taken of the library, which is loaded by itself: few pages need it. */
export type Dagre = Pick<typeof import("@dagrejs/dagre"), "Graph" | "layout">;

export interface Point {
  x: number;
  y: number;
}

/** Points are centres. */
export interface MapLayout {
  width: number;
  height: number;
  nodes: Map<string, Point>;
  edges: Map<string, { path: string; label: Point }>;
}

export function layoutOf(
  dagre: Dagre,
  { nodes, edges }: Pick<ServiceMap, "nodes" | "edges">,
): MapLayout {
  const graph = new dagre.Graph();
  graph.setGraph({ rankdir: "LR", marginx: MARGIN, marginy: MARGIN, ...BETWEEN });
  // The library keeps names as keys of plain objects, and senders may call a service "__proto__".
  const ids = new Map(nodes.map(({ name }, index) => [name, `n${index}`]));
  const idOf = (name: string): string => ids.get(name) ?? "";
  for (const id of ids.values()) graph.setNode(id, { ...NODE });
  for (const { caller, callee } of edges) {
    graph.setEdge(idOf(caller), idOf(callee), { ...LABEL, labelpos: "c" });
  }
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    nodes: new Map(nodes.map(({ name }) => [name, pointOf(graph.node(idOf(name)))])),
    edges: new Map(
      edges.map((edge) => {
        const [from, to] = [idOf(edge.caller), idOf(edge.callee)];
        const { points, ...label } = graph.edge(from, to) as Point & { points: Point[] };
        const ends = [pointOf(graph.node(from)), pointOf(graph.node(to))] as const;
        return [keyOf(edge), { path: smooth(routed(points, label, ends)), label: pointOf(label) }];
      }),
    ),
  };
}

function pointOf({ x, y }: Partial<Point>): Point {
  return { x: x ?? 0, y: y ?? 0 };
}

/**
 * A line leaves and enters a service in the middle of its side, and runs level where its numbers
 * stand. `points` are the library's: two on the borders of the services, between them the bends.
 */
function routed(points: Point[], label: Point, [from, to]: readonly [Point, Point]): Point[] {
  const ahead = from.x < to.x ? 1 : -1;
  const beside = ({ x, y }: Point, by: number): Point => ({ x: x + ahead * by, y });
  const bends = points.slice(1, -1).flatMap((bend) => {
    const numbered = Math.abs(bend.x - label.x) < 1;
    return numbered ? [beside(label, -LABEL.width / 2), beside(label, LABEL.width / 2)] : [bend];
  });
  const side = NODE.width / 2;
  return [
    beside(from, side),
    beside(from, side + STRAIGHT),
    ...bends,
    beside(to, -side - STRAIGHT),
    beside(to, -side),
  ];
}

/** A path of SVG without corners from the first point to the last, near those between them. */
export function smooth(points: Point[]): string {
  const [first, ...rest] = points.map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) }));
  const last = rest.pop();
  if (!first || !last) return "";
  const parts = [`M${first.x} ${first.y}`];
  rest.forEach((bend, index) => {
    const next = rest[index + 1];
    const to = next ? { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 } : last;
    parts.push(`Q${bend.x} ${bend.y} ${to.x} ${to.y}`);
  });
  if (rest.length === 0) parts.push(`L${last.x} ${last.y}`);
  return parts.join("");
}
