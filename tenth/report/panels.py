"""The lines of a report's charts, with as few digits as they need: `PanelData` of document.ts."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ui.evaluate import Answer
from ui.heatmap import HEATMAP
from ui.history import Question
from ui.selection import Selection

# Windows of a line, at most: about two a pixel of a chart. Bounds the size of the file.
POINTS: Final = 1_200
_DIGITS: Final = 4

Values = list[list[float | None]]
Evaluate = Callable[[Question], Answer]


class Panels:
    """Selections over the range `[from_ms, to_ms)` of Unix time."""

    def __init__(self, answer: Evaluate, from_ms: int, to_ms: int) -> None:
        self._answer = answer
        self._from_ms = from_ms
        self._to_ms = to_ms

    def panel(self, selection: Selection) -> dict[str, Any]:
        """The busiest groups of a selection in each window."""
        answer = self._answer(Question(selection, self._from_ms, self._to_ms, POINTS))
        windows, heatmap = answer.windows, answer.heatmap
        values = {name: _rows(column, windows.count) for name, column in answer.columns.items()}
        panel: dict[str, Any] = {
            "resolution_ms": windows.resolution_ms,
            "first_ms": windows.first * windows.resolution_ms,
            "windows": windows.count,
            "series": selection.series_of(answer.keys),
            "values": values,
        }
        if heatmap is not None:
            values[HEATMAP] = _rows(heatmap.counts, windows.count)
            panel["buckets"] = _rows(np.stack((heatmap.lower, heatmap.upper), axis=1).ravel(), 2)
        return panel


def _rows(values: npt.NDArray[np.float64], columns: int) -> Values:
    """Rows of so many values; what is not finite is None."""
    numbers = [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]
    known = [number if np.isfinite(number) else None for number in numbers]
    return [known[start : start + columns] for start in range(0, len(known), max(1, columns))]
