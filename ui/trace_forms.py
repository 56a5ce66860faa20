"""A trace as the page reads it, and as OTLP's JSON, which any collector takes."""

from itertools import groupby
from typing import Any, Final

from ui.reads import Row
from ui.trace import Trace
from ui.typed import key_values, typed

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUS_CODES: Final = ("unset", "ok", "error")


def as_page_json(trace: Trace) -> dict[str, Any]:
    """Times are nanoseconds since the trace began, which JSON's numbers hold exactly."""
    start_ns = min(span["start_ns"] for span in trace.spans)
    end_ns = max(span["start_ns"] + span["duration_ns"] for span in trace.spans)
    places = {origin_id: place for place, origin_id in enumerate(trace.origins)}
    return {
        "trace_id": trace.trace_id,
        "start_time_ms": start_ns / 1e6,
        "start_time_unix_nano": str(start_ns),
        "duration_ns": end_ns - start_ns,
        "services": sorted({span["service_name"] for span in trace.spans}),
        "truncated": trace.truncated,
        "origins": [_origin(row) for row in trace.origins.values()],
        "spans": [_span(span, start_ns, places.get(span["origin_id"])) for span in trace.spans],
    }


def _origin(row: Row) -> dict[str, Any]:
    return {
        "service": row["service_name"],
        "resource": typed(row["resource"]),
        "scope": {
            "name": row["scope_name"],
            "version": row["scope_version"],
            "attributes": typed(row["scope_attributes"]),
        },
    }


def _span(span: Row, start_ns: int, origin: int | None) -> dict[str, Any]:
    return {
        "span_id": span["span_id"],
        "parent_span_id": span["parent_span_id"],
        "name": span["name"],
        "kind": span["kind"],
        "service": span["service_name"],
        "offset_ns": span["start_ns"] - start_ns,
        "duration_ns": span["duration_ns"],
        "status_code": span["status_code"],
        "status_message": span["status_message"],
        "trace_state": span["trace_state"],
        "flags": span["flags"],
        "attributes": typed(span["attributes"]),
        "events": [
            {
                "offset_ns": event["time_ns"] - start_ns,
                "name": event["name"],
                "attributes": typed(event["attributes"]),
            }
            for event in span["events"]
        ],
        "links": [
            {
                "trace_id": link["trace_id"],
                "span_id": link["span_id"],
                "trace_state": link["trace_state"],
                "attributes": typed(link["attributes"]),
            }
            for link in span["links"]
        ],
        "dropped": {
            "attributes": span["dropped_attributes_count"],
            "events": span["dropped_events_count"],
            "links": span["dropped_links_count"],
        },
        "origin": origin,
    }


def as_otlp_json(trace: Trace) -> dict[str, Any]:
    """An ExportTraceServiceRequest (OTLP/JSON: ids in hex, 64-bit integers as text)."""
    spans = sorted(trace.spans, key=lambda span: str(span["origin_id"]))
    return {
        "resourceSpans": [
            _resource_spans(trace, trace.origins.get(origin_id, {}), list(group))
            for origin_id, group in groupby(spans, key=lambda span: span["origin_id"])
        ]
    }


def _resource_spans(trace: Trace, origin: Row, spans: list[Row]) -> dict[str, Any]:
    scope = {
        "name": origin.get("scope_name", ""),
        "version": origin.get("scope_version", ""),
        "attributes": key_values(origin.get("scope_attributes", {})),
        "droppedAttributesCount": origin.get("scope_dropped_attributes_count", 0),
    }
    resource: dict[str, Any] = {
        "attributes": key_values(origin.get("resource", {})),
        "droppedAttributesCount": origin.get("resource_dropped_attributes_count", 0),
    }
    if origin.get("entity_refs"):
        resource["entityRefs"] = [
            {
                "schemaUrl": entity["schema_url"],
                "type": entity["type"],
                "idKeys": entity["id_keys"],
                "descriptionKeys": entity["description_keys"],
            }
            for entity in origin["entity_refs"]
        ]
    return {
        "resource": resource,
        "schemaUrl": origin.get("resource_schema_url", ""),
        "scopeSpans": [
            {
                "scope": scope,
                "schemaUrl": origin.get("scope_schema_url", ""),
                "spans": [_otlp_span(trace.trace_id, span) for span in spans],
            }
        ],
    }


def _otlp_span(trace_id: str, span: Row) -> dict[str, Any]:
    return {
        "traceId": trace_id,
        "spanId": span["span_id"],
        "traceState": span["trace_state"],
        "parentSpanId": span["parent_span_id"] or "",
        "flags": span["flags"],
        "name": span["name"],
        "kind": _KINDS.index(span["kind"]),
        "startTimeUnixNano": str(span["start_ns"]),
        "endTimeUnixNano": str(span["start_ns"] + span["duration_ns"]),
        "attributes": key_values(span["attributes"]),
        "droppedAttributesCount": span["dropped_attributes_count"],
        "events": [
            {
                "timeUnixNano": str(event["time_ns"]),
                "name": event["name"],
                "attributes": key_values(event["attributes"]),
                "droppedAttributesCount": event["dropped_attributes_count"],
            }
            for event in span["events"]
        ],
        "droppedEventsCount": span["dropped_events_count"],
        "links": [
            {
                "traceId": link["trace_id"] or "",
                "spanId": link["span_id"] or "",
                "traceState": link["trace_state"],
                "attributes": key_values(link["attributes"]),
                "droppedAttributesCount": link["dropped_attributes_count"],
                "flags": link["flags"],
            }
            for link in span["links"]
        ],
        "droppedLinksCount": span["dropped_links_count"],
        "status": {
            "code": _STATUS_CODES.index(span["status_code"]),
            "message": span["status_message"],
        },
    }
