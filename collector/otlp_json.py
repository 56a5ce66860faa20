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

_IDS: Final = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """The same request in protobuf. Raises MalformedRequestError."""
    try:
        # RecursionError: nested deeper than any sender nests.
        document = msgspec.json.decode(body)
        if not isinstance(document, dict):
            raise MalformedRequestError("an OTLP/JSON request is an object")
        _ids_to_base64(document)
        message = json_format.ParseDict(document, REQUESTS[signal](), ignore_unknown_fields=True)
    except (msgspec.DecodeError, json_format.ParseError, RecursionError) as error:
        raise MalformedRequestError(str(error)) from error
    return message.SerializeToString()


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
    """Text that is not hex becomes an empty id: an error of its item, not of the request."""
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except (ValueError, binascii.Error):
        return ""
