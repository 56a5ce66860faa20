"""Values of attributes and bodies that every client sends, each beside its type."""

from typing import Any, Final

Row = dict[str, Any]

ATTRIBUTE_LIMIT: Final = 20
SIMPLE: Final[Row] = {
    "string": "Grüße 世界 ☕",
    "string.empty": "",
    "bool": True,
    "bool.false": False,
    "int": -42,
    "int.zero": 0,
    "int.large": 2**53 - 1,
    "double": 0.1,
    "strings": ["a", ""],
    "bools": [True, False],
    "ints": [1, -2, 0],
    "doubles": [0.5, -1.25],
    "strings.empty": [],
}
COMPLEX: Final[Row] = {
    "bytes": b"\x00\xff\x80",
    "map": {"inner": {"list": [1, "two", False]}},
    "mixed": ["one", 2, 0.5, True],
}
INT64: Final[Row] = {"int.max": 2**63 - 1, "int.min": -(2**63)}
CROWD: Final[Row] = {f"key.{i:02d}": i for i in range(ATTRIBUTE_LIMIT + 3)}


def crowd() -> Row:
    """What an SDK keeps of `CROWD`."""
    return attributes(dict(list(CROWD.items())[:ATTRIBUTE_LIMIT]))


def typed(value: object) -> tuple[str | None, object]:
    """A value beside the name of its type in OTLP: to Python True equals 1 and 1.0.

    Raises KeyError for a type that no attribute has.
    """
    match value:
        case None:
            return None, None
        case list():
            return "array_value", [typed(item) for item in value]
        case dict():
            return "kvlist_value", attributes(value)
    return _NAMES[type(value)], value


_NAMES: Final = {
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    str: "string_value",
    bytes: "bytes_value",
}


def attributes(values: Row) -> Row:
    """Attributes by key."""
    return {key: typed(value) for key, value in values.items()}
