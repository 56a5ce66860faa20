"""The measures of a selection over a range, from rows of several sources. Blocks: for a thread."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ui.bounds import Limits, LimitTable
from ui.catalog import SeriesInfo
from ui.coarse import coarsen
from ui.heatmap import HEATMAP, Heatmap
from ui.measure import Floats, Grid, Ints, measure
from ui.panel import heatmap_of
from ui.ring import COUNT, SERIES, Block, join
from ui.selection import Selection
from ui.sliding import Sliding, SlidingRows, slide
from ui.span import Windows
from ui.view import busiest

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one source. `factor` of their windows make one of the answer's. `series` and
    `is_gauge` go by series number; `limits` by the ids in the blocks."""

    series: list[SeriesInfo]
    is_gauge: Bools
    blocks: list[Block]
    limits: Limits
    factor: int


@dataclass(frozen=True, slots=True)
class Answer:
    """`columns[measure]` is float64[groups * windows], group-major. `source` says where from:
    ring, rollups, raw or mixed."""

    selection: Selection
    windows: Windows
    source: str
    keys: list[str]
    columns: dict[str, Floats]
    heatmap: Heatmap | None


def evaluate(selection: Selection, windows: Windows, source: str, sources: list[Rows]) -> Answer:
    """The busiest groups of the selection in each window."""
    candidates = {} if selection.group_by else {"": 0}
    limits = LimitTable()
    blocks, owners = [], []
    numbers = 0
    for rows in sources:
        candidate_of = _candidates(selection, rows, candidates)
        block = _within(selection, windows, rows, candidate_of)
        owners.append(candidate_of[block.keys[SERIES]])
        blocks.append(_moved(block, numbers, rows.limits, limits))
        numbers += len(rows.is_gauge)
    block, owner = join(blocks), np.concatenate(owners)
    weight = np.bincount(owner, block.values[COUNT], minlength=len(candidates))
    chosen = busiest(weight, selection.limit)
    if selection.group_by:
        seen = np.bincount(owner, minlength=len(candidates))
        chosen = [place for place in chosen if seen[place]]
    position = np.full(len(candidates), -1, np.int64)
    position[chosen] = np.arange(len(chosen))
    shown = np.flatnonzero(position[owner] >= 0)
    keys = list(candidates)
    chosen_keys = [keys[place] for place in chosen]
    block, group = block.take(shown), position[owner[shown]]
    if selection.window_ms is not None:
        sliding = SlidingRows(block, group, block.window, len(chosen))
        windows, columns = _slid(selection, sliding, windows, limits.limits)
        return Answer(selection, windows, source, chosen_keys, columns, None)
    grid = Grid(
        block=block,
        cell=group * windows.count + block.window - windows.first,
        size=len(chosen) * windows.count,
        window_s=windows.resolution_ms / 1_000,
        is_gauge=np.concatenate([rows.is_gauge for rows in sources]),
    )
    columns = measure(selection, grid, limits.limits)
    heatmap = None
    if HEATMAP in selection.measures:
        heatmap = heatmap_of(selection, grid, limits.limits, windows.count)
    return Answer(selection, windows, source, chosen_keys, columns, heatmap)


def _slid(
    selection: Selection, rows: SlidingRows, windows: Windows, limits: Limits
) -> tuple[Windows, dict[str, Floats]]:
    """The windows that are as long as the selection says, or longer, and their measures."""
    length = sliding_length(selection, windows.resolution_ms)
    shown = replace(windows, first=min(windows.first + length - 1, windows.end))
    known_s = np.full((rows.groups, shown.count), length * windows.resolution_ms / 1_000)
    return shown, slide(selection, rows, Sliding(shown.first, shown.count, length), limits, known_s)


def sliding_length(selection: Selection, resolution_ms: int) -> int:
    """How many windows of the resolution a sliding window has; 1 without one."""
    return max(1, (selection.window_ms or 0) // resolution_ms)


def _candidates(selection: Selection, rows: Rows, known: dict[str, int]) -> Ints:
    """The group of each series by its number, -1 for none; new groups are added to `known`."""
    candidate_of = np.full(len(rows.is_gauge), -1, np.int64)
    for series in rows.series:
        if selection.covers(series):
            key = selection.group_of(series)
            candidate_of[series.number] = known.setdefault(key, len(known))
    return candidate_of


def _within(selection: Selection, windows: Windows, rows: Rows, candidate_of: Ints) -> Block:
    """The covered rows in the windows of the answer."""
    block = join(rows.blocks)
    window = block.window // rows.factor
    covered = (window >= windows.first) & (window < windows.end)
    known = block.keys[SERIES] < len(candidate_of)
    covered[known] &= candidate_of[block.keys[SERIES][known]] >= 0
    kept = np.flatnonzero(covered & known)
    block = block.take(kept) if selection.needs_cells else block.take_rows(kept)
    return coarsen(block, rows.factor)


def _moved(block: Block, first_number: int, limits: Limits, into: LimitTable) -> Block:
    """The block with series numbered from `first_number` on, and limits of another table."""
    keys = block.keys.copy()
    keys[SERIES] += first_number
    used, place = np.unique(block.limits, return_inverse=True)
    ids = into.ids_of(limits.lower[used], limits.upper[used])
    return Block(block.window, keys, block.values, ids[place], block.counts)
