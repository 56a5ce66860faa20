"""What goes into the archive, in the shape of the reference."""

import json
import math
from dataclasses import replace
from typing import Any

import pyarrow as pa

from storage.histogram import EXPLICIT
from storage.rollup import WINDOW_NS
from storage.rollup_tables import SIGNAL_NAMES, RollupTables
from tests.rollup.otlp import Item
from tests.rollup.reference import Identity, Row, reference

Rows = dict[tuple[Identity, int], Row]
_SIGNALS = {name: signal for signal, name in SIGNAL_NAMES.items()}


def archived(tables: RollupTables, items: list[Item]) -> Rows:
    """The rows that `tables` makes of the items."""
    series, rows = tables.build([(item.signal, item.tables) for item in items])
    assert rows.schema.metadata is None
    names = {s["series_id"]: _identity(s) for s in series.to_pylist()}
    assert len(names) == len(series)
    times = ("time", "first_time", "first_start", "last_time", "last_start")
    for name in times:
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, name, rows[name].cast(pa.int64()))
    found = {}
    for row in rows.to_pylist():
        identity = names[row["series_id"]]
        found[identity, row["time"] // WINDOW_NS] = _row(row)
    assert len(found) == len(rows)
    return found


def _identity(series: dict[str, Any]) -> Identity:
    parts = ("service_name", "name", "kind", "unit", "temporality", "monotonic")
    attributes = repr(sorted(json.loads(series["attributes"]).items()))
    bounds = () if series["bounds"] is None else (tuple(series["bounds"]),)
    named = tuple(series[part] for part in parts)
    return (_SIGNALS[series["signal"]], *named, attributes, *bounds)


def _row(row: dict[str, Any]) -> Row:
    histogram = row["histogram"] or {"scale": 0, "indexes": [], "counts": []}
    assert histogram["indexes"] == sorted(histogram["indexes"])
    return Row(
        row["count"],
        _number(row["sum"]),
        _number(row["min"]),
        _number(row["max"]),
        row["errors"],
        (row["first_time"], row["first_start"], _number(row["first"])),
        (row["last_time"], row["last_start"], _number(row["last"])),
        False,
        EXPLICIT if histogram["scale"] is None else histogram["scale"],
        dict(zip(histogram["indexes"], histogram["counts"], strict=True)),
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def expected_in_archive(items: list[Item]) -> Rows:
    """The reference's rows; whether one is a level is told by its series there."""
    return {key: replace(row, level=False) for key, row in reference(items).items()}
