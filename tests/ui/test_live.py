"""The live protocol over a real websocket, fed by a real gRPC peer."""


from tests.ui.conftest import Start
from tests.ui.peers import NOW_WINDOW, Collector, Row, spans_series, update


def collector_with(rows: list[Row], **others: object) -> Collector:
    """A collector whose ring holds these rows of series 0 and 1."""
    collector = Collector()
    series = [spans_series(0), spans_series(1, service="shop", name="POST /")]
    collector.history = [update(10, rows, series, history=True, **others)]  # type: ignore[arg-type]
    return collector


async def test_history_then_deltas(start: Start) -> None:
    """A new panel gets its history as a reset, then only what changes, in the same shape."""
    tenth = await start(collector_with([Row(NOW_WINDOW - 2, 0, count=3), Row(NOW_WINDOW - 1, 1)]))
    client = await tenth.live()
    await client.text("hello", version="0.1.0", window_ms=100, ring_windows=6000)
    await client.text("state", state="live")
    await client.subscribe(1)
    await client.value(1, NOW_WINDOW - 2, "rate", 30)
    await client.value(1, NOW_WINDOW - 1, "rate", 10)
    tenth.collector.send(update(11, [Row(NOW_WINDOW, 0, count=5)]))
    await client.value(1, NOW_WINDOW, "rate", 50)
    first, second = client.frames
    assert first["panels"][0]["reset"]
    assert not second["panels"][0]["reset"]
    assert second["panels"][0]["first_window"] == NOW_WINDOW
    assert second["sequence"] == 11
    assert second["epoch"] == f"{7:016x}"
