"""`GET /api/history`: a selection over a range of time, as JSON or in the form of a live panel."""

from typing import Annotated, Any, Final

import msgpack
import msgspec
import numpy as np
from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from ui.control import MAX_PANEL_VALUES
from ui.evaluate import Answer
from ui.heatmap import HEATMAP
from ui.history import History, Question
from ui.past import TooMuchError
from ui.problems import problem
from ui.read_routes import TimeMs
from ui.selection import MAX_GROUPS, MAX_SLIDING_MS, STEP_MS, Selection
from ui.span import MAX_POINTS

MSGPACK: Final = "application/msgpack"
_FORMS: Final = ("application/json", MSGPACK)
_DEFAULT_SPAN_MS: Final = 600_000


def history_routes(history: History) -> list[HTTPRouteHandler]:
    """The one route."""

    @get("/api/history")
    async def past_windows(
        request: Request[Any, Any, Any],
        *,
        signal: FromQuery[str],
        measures: Annotated[str, QueryParameter(description="separated by commas")],
        service: FromQuery[str | None] = None,
        name: FromQuery[str | None] = None,
        kind: FromQuery[str | None] = None,
        group_by: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_GROUPS)] = 40,
        window_ms: Annotated[int | None, QueryParameter(ge=STEP_MS, le=MAX_SLIDING_MS)] = None,
        from_ms: TimeMs = None,
        to_ms: TimeMs = None,
        points: Annotated[int, QueryParameter(ge=2, le=MAX_POINTS)] = 600,
    ) -> Response[bytes]:
        """A selection of the live protocol over a range of time."""
        form = request.accept.best_match(list(_FORMS), default=None)
        if form is None:
            raise problem(406, "No such form of answer", f"Accept one of {', '.join(_FORMS)}.")
        selection = _selection(
            {
                "signal": signal,
                "measures": measures.split(","),
                "service": service,
                "name": name,
                "kind": kind,
                "group_by": group_by,
                "limit": limit,
                "window_ms": window_ms,
            }
        )
        question = _question(history, selection, from_ms, to_ms, points)
        try:
            answer = await history.answer(question)
        except TooMuchError as error:
            raise problem(
                413,
                "Too many rows",
                "Ask for a shorter range, fewer points, or one service or name.",
            ) from error
        encode = _as_msgpack if form == MSGPACK else _as_json
        return Response(
            encode(question, answer),
            media_type=MSGPACK if form == MSGPACK else MediaType.JSON,
            headers={"Cache-Control": "no-store", "Vary": "Accept"},
        )

    return [past_windows]


def _selection(members: dict[str, object]) -> Selection:
    try:
        return msgspec.convert(members, Selection)
    except msgspec.ValidationError as error:
        raise problem(400, "The selection is not valid", f"{error}. See docs/live.md.") from error


def _question(
    history: History, selection: Selection, from_ms: int | None, to_ms: int | None, points: int
) -> Question:
    to_ms = history.now_ms() if to_ms is None else min(to_ms, history.now_ms())
    from_ms = max(0, to_ms - _DEFAULT_SPAN_MS) if from_ms is None else min(from_ms, to_ms)
    values = selection.values_per_window * points
    if values > MAX_PANEL_VALUES:
        raise problem(
            400,
            "Too many values",
            f"These may be {values} values, more than {MAX_PANEL_VALUES}; "
            "ask for fewer points, measures or a lower `limit`.",
        )
    return Question(selection, from_ms, to_ms, points)


def _common(question: Question, answer: Answer) -> dict[str, Any]:
    return {
        "resolution_ms": answer.windows.resolution_ms,
        "from_ms": question.from_ms,
        "to_ms": question.to_ms,
        "source": answer.source,
        "series": question.selection.series_of(answer.keys),
    }


def _as_json(question: Question, answer: Answer) -> bytes:
    """Numbers that are not finite become null."""
    windows, groups = answer.windows, len(answer.keys)
    values = {
        name: column.reshape(groups, windows.count).tolist()
        for name, column in answer.columns.items()
    }
    found = _common(question, answer)
    found["times_ms"] = (np.arange(windows.first, windows.end) * windows.resolution_ms).tolist()
    if answer.heatmap is not None:
        heatmap = answer.heatmap
        values[HEATMAP] = heatmap.counts.reshape(len(heatmap.lower), windows.count).tolist()
        found["buckets"] = np.stack((heatmap.lower, heatmap.upper), axis=1).tolist()
    return msgspec.json.encode(found | {"values": values})


def _as_msgpack(question: Question, answer: Answer) -> bytes:
    """A panel as in the live protocol; its windows are `resolution_ms` long."""
    columns = dict(answer.columns)
    found = _common(question, answer) | {
        "id": 0,
        "reset": True,
        "first_window": answer.windows.first,
        "offsets": np.arange(answer.windows.count).astype("<u2").tobytes(),
    }
    if answer.heatmap is not None:
        columns[HEATMAP] = answer.heatmap.counts
        limit_pairs = np.stack((answer.heatmap.lower, answer.heatmap.upper), axis=1)
        found["buckets"] = limit_pairs.astype("<f4").tobytes()
    with np.errstate(over="ignore"):
        values = {name: column.astype("<f4").tobytes() for name, column in columns.items()}
    packed: bytes = msgpack.packb(found | {"values": values})
    return packed
