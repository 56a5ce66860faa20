"""Attributes with the types they were sent with: for the page, and as OTLP's JSON.

SQL gives a VARIANT as JSON text. Its numbers keep whether they are integers; bytes become text
with escapes, so that only DuckDB can tell them from text: see `ui.trace`.
"""

import re
from base64 import b64encode
from typing import Any, Final

from ui.cells import safe

_NAMES: Final = {
    type(None): "empty",
    bool: "bool",
    int: "int",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "array",
    dict: "kvlist",
}
_ESCAPE: Final = re.compile(r"\\x([0-9A-F]{2})")


def bytes_of(text: str) -> bytes:
    """The bytes that DuckDB shows so."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).encode("latin-1")


def may_be_bytes(text: str) -> bool:
    """Whether DuckDB could show bytes so, other than bytes that are plain text."""
    return _ESCAPE.search(text) is not None


def typed(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as `{"key", "type", "value"}`, by key."""
    return [
        {"key": key, "type": type_name(value), "value": safe(value)}
        for key, value in attributes.items()
    ]


def type_name(value: Any) -> str:
    """What OTLP's AnyValue calls it."""
    return _NAMES[type(value)]


def key_values(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP's JSON has them."""
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


def any_value(value: Any) -> dict[str, Any]:
    """One value as an AnyValue of OTLP's JSON: 64-bit integers are text, bytes base64."""
    content: Any
    match value:
        case None:
            return {}
        case bool() | str():
            content = value
        case int():
            content = str(value)
        case float():
            content = safe(value)
        case bytes():
            content = b64encode(value).decode()
        case list():
            content = {"values": [any_value(item) for item in value]}
        case _:
            content = {"values": key_values(value)}
    return {f"{type_name(value)}Value": content}
