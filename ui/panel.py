"""A panel as bytes: one map of the live protocol, see `docs/live.md`."""

from dataclasses import dataclass
from typing import Final

import msgpack
import numpy as np

from ui.bounds import Limits
from ui.heatmap import HEATMAP, Heatmap, heatmap
from ui.measure import NS_PER_MS, Floats, Grid, Ints
from ui.ring import WINDOW_MS
from ui.selection import Selection

_pack = msgpack.packb
_ID: Final = _pack("id")
# A map of so many entries has this byte plus their number in front.
_MAP: Final = 0x80


@dataclass(frozen=True, slots=True)
class Content:
    """What a panel holds: windows `first_window + offset` of `resolution_ms`, and their values."""

    first_window: int
    offsets: Ints
    values: dict[str, Floats]
    heatmap: Heatmap | None = None
    resolution_ms: int = WINDOW_MS


def panel_body(packed_series: bytes, content: Content, *, reset: bool) -> bytes:
    """The map up to the value of `id`, its last key: that differs from client to client."""
    values = {name: _float32(column) for name, column in content.values.items()}
    others: dict[str, object] = {}
    if content.heatmap is not None:
        values[HEATMAP] = _float32(content.heatmap.counts)
        limits = np.stack((content.heatmap.lower, content.heatmap.upper), axis=1)
        others["buckets"] = _float32(limits)
    if content.resolution_ms != WINDOW_MS:
        others["resolution_ms"] = content.resolution_ms
    entries = {
        "reset": reset,
        "first_window": content.first_window,
        "offsets": content.offsets.astype("<u2").tobytes(),
        "values": values,
        **others,
    }
    packed = [_pack(name) + _pack(value) for name, value in entries.items()]
    head = bytes([_MAP + len(entries) + 2])
    return b"".join((head, *packed, _pack("series"), packed_series, _ID))


def heatmap_of(selection: Selection, grid: Grid, limits: Limits, windows: int) -> Heatmap:
    """The heatmap of a selection without groups, its limits in ms for spans."""
    found = heatmap(grid.block, grid.cell, windows, limits)
    if selection.signal != "spans":
        return found
    return Heatmap(found.lower / NS_PER_MS, found.upper / NS_PER_MS, found.counts)


def _float32(column: Floats) -> bytes:
    with np.errstate(over="ignore"):
        return column.astype("<f4").tobytes()
