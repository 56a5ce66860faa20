"""A panel as bytes: one map of the live protocol, see `docs/live.md`."""

from typing import Final

import msgpack
import numpy as np

from ui.bounds import Limits
from ui.heatmap import HEATMAP, Heatmap, heatmap
from ui.measure import NS_PER_MS, Floats, Grid, Ints, measure
from ui.selection import Selection

_pack = msgpack.packb
_ID: Final = _pack("id")
# Maps of six and of seven entries.
_PLAIN: Final = b"\x86"
_WITH_BUCKETS: Final = b"\x87"


def panel_body(
    selection: Selection,
    packed_series: bytes,
    grid: Grid,
    limits: Limits,
    *,
    first_window: int,
    offsets: Ints,
    reset: bool,
) -> bytes:
    """The map up to the value of `id`, its last key: that differs from client to client."""
    values = {name: _float32(column) for name, column in measure(selection, grid, limits).items()}
    head, buckets = _PLAIN, b""
    if HEATMAP in selection.measures:
        found = heatmap_of(selection, grid, limits, len(offsets))
        values[HEATMAP] = _float32(found.counts)
        limit_pairs = np.stack((found.lower, found.upper), axis=1)
        head, buckets = _WITH_BUCKETS, _pack("buckets") + _pack(_float32(limit_pairs))
    return b"".join(
        (
            head,
            _pack("reset") + _pack(reset),
            _pack("series") + packed_series,
            _pack("first_window") + _pack(first_window),
            _pack("offsets") + _pack(offsets.astype("<u2").tobytes()),
            _pack("values") + _pack(values),
            buckets,
            _ID,
        )
    )


def heatmap_of(selection: Selection, grid: Grid, limits: Limits, windows: int) -> Heatmap:
    """The heatmap of a selection without groups, its limits in ms for spans."""
    found = heatmap(grid.block, grid.cell, windows, limits)
    if selection.signal != "spans":
        return found
    return Heatmap(found.lower / NS_PER_MS, found.upper / NS_PER_MS, found.counts)


def _float32(column: Floats) -> bytes:
    with np.errstate(over="ignore"):
        return column.astype("<f4").tobytes()
