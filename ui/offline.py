"""Past windows of a selection from an archive without a server around it. Blocks."""

from collections.abc import Callable, Iterable

from storage.contract import archive_pb2
from ui.evaluate import Answer, evaluate
from ui.history import MAX_ATTEMPTS, Question, request_of
from ui.past import PastRows
from ui.span import Windows, finest_resolution_ms

Ask = Callable[[archive_pb2.HistoryRequest], Iterable[archive_pb2.HistoryChunk]]


def answer_offline(question: Question, ask: Ask) -> Answer:
    """The measures of all windows that touch the range, as `History.answer` gives them.

    `ask` answers as Archive.History does. Raises ui.past.TooMuchError.
    """
    resolution_ms = finest_resolution_ms(question.from_ms, question.to_ms, question.points)
    for _ in range(MAX_ATTEMPTS):
        windows = Windows.over(question.from_ms, question.to_ms, resolution_ms)
        past = PastRows(question.selection.signal)
        for chunk in ask(request_of(question, windows)):
            past.add(chunk)
        if past.resolution_ms in (None, resolution_ms):
            break
        resolution_ms = past.resolution_ms or resolution_ms
    return evaluate(question.selection, windows, past.source, [past.rows()])
