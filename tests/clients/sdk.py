"""What the telemetry of all clients has in common, and what sets their SDKs apart."""

import math
from dataclasses import dataclass
from typing import Final

from storage.schema import Signal
from tests.clients.values import COMPLEX, INT64, SIMPLE, Row, attributes, typed

CUMULATIVE: Final = 2
DELTA: Final = 1
TIME_UNIX_NANO: Final = 1_700_000_000_123_456_789
REMOTE_TRACE_ID: Final = "0af7651916cd43dd8448eb211c80319c"
REMOTE_SPAN_ID: Final = "b7ad6b7169203331"
TRACE_STATE: Final = "vendor=a1,other=b2"
SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class Sdk:
    """What sets a language's SDK apart from the others."""

    int64: bool = True
    # JSON.stringify writes infinity as null: an attribute without a value.
    infinity: float | None = math.inf
    link_trace_state: str = TRACE_STATE
    scope_attributes: frozenset[Signal] = frozenset()
    exemplars: bool = True
    temporality: int = CUMULATIVE


def span_id(number: int) -> str:
    """The clients number their spans in the order in which they start them."""
    return f"{number:016x}"


def origin(sdk: Sdk, signal: Signal) -> Row:
    """Resource and scope of a signal."""
    scope_attributes = SIMPLE if signal in sdk.scope_attributes else {}
    return {
        "resource": {
            "attributes": attributes({"service.name": "checkout", **SIMPLE}),
            "dropped_attributes_count": 0,
        },
        "resource_schema_url": "https://opentelemetry.io/schemas/1.37.0",
        "scope": {
            "name": "shop",
            "version": "1.2.3",
            "attributes": attributes(scope_attributes),
            "dropped_attributes_count": 0,
        },
        "scope_schema_url": "https://opentelemetry.io/schemas/1.36.0",
    }


def all_values(sdk: Sdk) -> Row:
    """Attributes of every type that the SDK knows."""
    return {
        **attributes(SIMPLE | COMPLEX | (INT64 if sdk.int64 else {})),
        "double.infinity": typed(sdk.infinity),
    }
