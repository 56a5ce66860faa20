"""Rows as charts get them, live or from the archive: one little-endian array per column."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from storage.growth import Growth
from storage.histogram import EXPLICIT, explicit_limits, limits
from storage.rollup import Cells, Rows
from storage.series import Series

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def row_columns(
    rows: Rows, grown: Growth, start: int, stop: int, known: Mapping[int, Series]
) -> dict[str, Any]:
    """Rows `start` to `stop` and their cells, by the names the contracts give to the columns."""
    part = slice(start, stop)
    series = rows.series[part]
    cells = grown.cells.take((grown.cells.row >= start) & (grown.cells.row < stop))
    row = cells.row - start
    lower, upper = _cell_limits(cells, series[row], known)
    return {
        "row_window": _bytes(rows.window[part], "<i8"),
        "row_series": _bytes(series, "<u4"),
        "row_count": _bytes(grown.count[part], "<f8"),
        "row_sum": _bytes(grown.sum[part], "<f8"),
        "row_min": _bytes(rows.min[part], "<f8"),
        "row_max": _bytes(rows.max[part], "<f8"),
        "row_last": _bytes(np.where(rows.level[part], np.nan, rows.last[part]), "<f8"),
        "row_increase": _bytes(grown.increase[part], "<f8"),
        "row_elapsed_s": _bytes(grown.elapsed_s[part], "<f8"),
        "row_errors": _bytes(rows.errors[part], "<f8"),
        "cell_row": _bytes(row, "<u4"),
        "cell_lower": _bytes(lower, "<f8"),
        "cell_upper": _bytes(upper, "<f8"),
        "cell_count": _bytes(cells.count, "<f8"),
    }


def attribute_text(value: object) -> str:
    """An attribute value as people write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.hex() if isinstance(value, bytes) else str(value)


def _cell_limits(cells: Cells, series: Ints, known: Mapping[int, Series]) -> tuple[Floats, Floats]:
    explicit = cells.scale == EXPLICIT
    if not explicit.any():
        return limits(cells.key, cells.scale)
    lower, upper = np.empty(len(cells)), np.empty(len(cells))
    lower[~explicit], upper[~explicit] = limits(cells.key[~explicit], cells.scale[~explicit])
    numbers = np.flatnonzero(np.bincount(series[explicit]))
    bounds = [known[number].bounds or () for number in numbers.tolist()]
    which = np.searchsorted(numbers, series[explicit])
    lower[explicit], upper[explicit] = explicit_limits(cells.key[explicit], which, bounds)
    return lower, upper


def _bytes(values: npt.NDArray[Any], dtype: str) -> bytes:
    return values.astype(dtype, copy=False).tobytes()
