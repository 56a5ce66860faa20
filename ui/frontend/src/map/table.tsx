/** The calls of the map, for those who cannot see it. */
import { format } from "../units";
import { keyOf } from "./model";
import type { MapEdge } from "./model";

export function CallsTable({ edges }: { edges: MapEdge[] }) {
  return (
    <div class="unseen">
      <table>
        <caption>Calls between services</caption>
        <thead>
          <tr>
            <th scope="col">Caller</th>
            <th scope="col">Called</th>
            <th scope="col">Calls</th>
            <th scope="col">Errors</th>
            <th scope="col">p95</th>
          </tr>
        </thead>
        <tbody>
          {edges.map((edge) => (
            <tr key={keyOf(edge)}>
              <th scope="row">{edge.caller}</th>
              <td>{edge.callee}</td>
              <td>{format("per_second", edge.rate)}</td>
              <td>{format("ratio", edge.errorRatio)}</td>
              <td>{format("ms", edge.p95Ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
