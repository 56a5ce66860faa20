"""Conditions of a WHERE: fixed texts, what people typed goes into parameters."""

from typing import Any, Final

from ui.problems import problem

MAX_ATTRIBUTES: Final = 8
NS_PER_MS: Final = 1_000_000


class Filters:
    """Conditions that must all hold. `params` has their values by name."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._conditions: list[str] = []

    def add(self, condition: str, name: str, value: Any) -> None:
        """Add a condition on the parameter `$name`, unless there is no value."""
        if value is not None:
            self._conditions.append(condition)
            self.params[name] = value

    def add_attributes(self, wanted: list[str]) -> None:
        """Add `KEY:VALUE` conditions on attributes, values as text. Raises a 400 problem."""
        for i, text in enumerate(wanted):
            key, colon, value = text.partition(":")
            if not key or not colon:
                raise problem(400, "The attribute is not valid", "Write `attribute=KEY:VALUE`.")
            self.add(f"CAST(attributes[$key{i}] AS VARCHAR) = $value{i}", f"value{i}", value)
            self.params[f"key{i}"] = key

    def add_range(self, column: str, from_ms: int | None, to_ms: int | None) -> None:
        """Add a range of time over a column of TIMESTAMP_NS; the end is not in it."""
        for sign, name, time_ms in ((">=", "from_ns", from_ms), ("<", "to_ns", to_ms)):
            value = None if time_ms is None else time_ms * NS_PER_MS
            self.add(f"{column} {sign} make_timestamp_ns(${name})", name, value)

    def put_into(self, query: str) -> str:
        """The query with the conditions in the place of `{filters}`."""
        return query.replace("{filters}", " AND ".join(self._conditions) or "true")
