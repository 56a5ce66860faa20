"""OTLP/JSON -> OTLP protobuf bytes, so that one decoder serves all.

OTLP specification, "JSON Protobuf Encoding": ids are hex, not base64 as in
protobuf's own JSON mapping; unknown keys are ignored.
"""

import base64
import binascii
from typing import Any, Final

import msgspec
from google.protobuf import json_format

from collector.decode import REQUESTS, MalformedRequestError
from storage.schema import Signal

# 64 nested key-value lists, three messages each, and what they stand in.
_MAX_MESSAGE_LEVELS: Final = 250
_MAX_MESSAGE_CHARS: Final = 1_000
# Marks of JSON that a body may have. Each can become a Python object of some hundred
# bytes; a body of 64 MiB of real telemetry has about this many.
_MAX_MARKS: Final = 5_000_000
# Stands for text that is no hex: wrong in every place where an id can be.
_INVALID_ID: Final = base64.b64encode(b"\0").decode()
_IDS: Final = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """The same request in protobuf. Raises MalformedRequestError."""
    if sum(map(body.count, (b"{", b"[", b","))) > _MAX_MARKS:
        raise MalformedRequestError("the JSON has too many values; send smaller batches")
    try:
        document = msgspec.json.decode(body, type=dict[str, Any])
        _ids_to_base64(document)
        message = json_format.ParseDict(
            document,
            REQUESTS[signal](),
            ignore_unknown_fields=True,
            max_recursion_depth=_MAX_MESSAGE_LEVELS,
        )
        return message.SerializeToString()
    except RecursionError as error:
        raise MalformedRequestError("the JSON nests too deep; flatten attribute values") from error
    except (ValueError, TypeError, AttributeError, json_format.ParseError) as error:
        raise MalformedRequestError(str(error)[:_MAX_MESSAGE_CHARS]) from error


def _ids_to_base64(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _ids_to_base64(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _IDS and isinstance(value, str):
                node[key] = _hex_to_base64(value)
            elif isinstance(value, dict | list):
                _ids_to_base64(value)


def _hex_to_base64(text: str) -> str:
    """Text that is not hex is an error of its item, not of the request."""
    try:
        return base64.b64encode(binascii.unhexlify(text)).decode()
    except ValueError:
        return _INVALID_ID
