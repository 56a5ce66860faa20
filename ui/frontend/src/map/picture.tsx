/** The service map as SVG: its places change with the topology, its numbers in place. */
import { useId } from "preact/hooks";
import { NUMBERS } from "../pages/span-numbers";
import { serviceColours } from "../palette";
import { useFeed } from "../parts/context";
import { service } from "../state/app";
import { format } from "../units";
import { NODE } from "./layout";
import type { MapLayout, Point } from "./layout";
import { keyOf } from "./model";
import type { MapEdge, MapNode, ServiceMap } from "./model";

const BAD_FROM = NUMBERS.failing.badFrom;
const NAME_CHARACTERS = 19;
/** Names differ at their ends: the middle gives way. */
const TAIL_CHARACTERS = 8;

export function MapPicture({ map, layout }: { map: ServiceMap; layout: MapLayout }) {
  // Colours are given as services become known.
  void useFeed().connection.services.value;
  const arrows = useId();
  return (
    <svg width={layout.width} height={layout.height} role="group" aria-label="Services and their calls">
      <defs>
        <Arrow id={`${arrows}-plain`} />
        <Arrow id={`${arrows}-bad`} />
      </defs>
      <g aria-hidden="true">
        {map.edges.map((edge) => {
          const path = layout.edges.get(keyOf(edge))?.path;
          return path && <Line key={keyOf(edge)} edge={edge} path={path} arrows={arrows} />;
        })}
        {map.edges.map((edge) => {
          const at = layout.edges.get(keyOf(edge))?.label;
          return at && <Numbers key={keyOf(edge)} edge={edge} at={at} />;
        })}
      </g>
      {map.nodes.map((node) => {
        const at = layout.nodes.get(node.name);
        return at && <Service key={node.name} node={node} at={at} />;
      })}
    </svg>
  );
}

function Arrow({ id }: { id: string }) {
  return (
    <marker id={id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
      markerUnits="userSpaceOnUse" orient="auto">
      <path class={id.endsWith("bad") ? "arrow failing" : "arrow"} d="M0 0.5 8 4 0 7.5Z" />
    </marker>
  );
}

function Line({ edge, path, arrows }: { edge: MapEdge; path: string; arrows: string }) {
  const bad = edge.errorRatio >= BAD_FROM;
  const near = service.value === edge.caller || service.value === edge.callee;
  return (
    <path
      class={`line${bad ? " failing" : ""}${near ? " near" : ""}`}
      d={path}
      marker-end={`url(#${arrows}-${bad ? "bad" : "plain"})`}
    />
  );
}

/** Above and below the line. */
function Numbers({ edge, at }: { edge: MapEdge; at: Point }) {
  return (
    <g class="numbers" transform={`translate(${at.x} ${at.y})`}>
      <title>{spoken(edge)}</title>
      <text y="-8">
        <tspan class="rate">{format("per_second", edge.rate)}</tspan>
        {Number.isFinite(edge.p95Ms) && <tspan dx="6">p95 {format("ms", edge.p95Ms)}</tspan>}
      </text>
      <text y="17" class={edge.errorRatio >= BAD_FROM ? "failing" : ""}>
        {errorsIn(edge.errorRatio)}
      </text>
    </g>
  );
}

function spoken(edge: MapEdge): string {
  const numbers = [`${format("per_second", edge.rate)} calls`, errorsIn(edge.errorRatio)];
  if (Number.isFinite(edge.p95Ms)) numbers.push(`p95 ${format("ms", edge.p95Ms)}`);
  return `${edge.caller} calls ${edge.callee}: ${numbers.join(", ")}`;
}

function Service({ node, at }: { node: MapNode; at: Point }) {
  const { name } = node;
  const { width, height } = NODE;
  const chosen = service.value === name;
  const pick = (): void => {
    service.value = chosen ? "" : name;
  };
  const rate = node.of === "spans" ? "other:spans/s" : "per_second";
  const numbers = [format(rate, node.rate), errorsIn(node.errorRatio)];
  return (
    <g
      class="node"
      role="button"
      tabindex={0}
      aria-pressed={chosen}
      transform={`translate(${at.x - width / 2} ${at.y - height / 2})`}
      onClick={pick}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        pick();
      }}
    >
      <title>{`${name}: ${numbers.join(", ")}`}</title>
      <rect width={width} height={height} rx="6" />
      <path
        class="colour"
        d={`M6 0H5V${height}H6A6 6 0 0 1 0 ${height - 6}V6A6 6 0 0 1 6 0Z`}
        style={{ fill: `var(${serviceColours.of(name)})` }}
      />
      <svg width={width - 6} height={height}>
        <text x="14" y="19" class="name">
          {clipped(name)}
        </text>
        <text x="14" y="36">
          {numbers[0]}
          <tspan dx="8" class={node.errorRatio >= BAD_FROM ? "failing" : ""}>
            {numbers[1]}
          </tspan>
        </text>
      </svg>
    </g>
  );
}

function errorsIn(ratio: number): string {
  return `${format("ratio", ratio)} errors`;
}

function clipped(name: string): string {
  if (name.length <= NAME_CHARACTERS) return name;
  return `${name.slice(0, NAME_CHARACTERS - TAIL_CHARACTERS - 1)}\u2026${name.slice(-TAIL_CHARACTERS)}`;
}
