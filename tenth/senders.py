"""What `tenth doctor` says of the exporters that send to Tenth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tenth.exporting import LIVE_INTERVALS
from tenth.findings import Finding, hint, ok

# Beyond this a clock is wrong: the collector calls items ahead of its own clock by more `ahead`.
MAX_AHEAD_S: Final = 10.0
# Items that are older than this and two intervals did not just wait for their batch.
MAX_BEHIND_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Up to which interval a signal is live, and the variable that sets it."""

    live_s: float
    variable: str


PACES: Final = {
    "spans": Pace(1.0, "OTEL_BSP_SCHEDULE_DELAY"),
    "logs": Pace(1.0, "OTEL_BLRP_SCHEDULE_DELAY"),
    "metric_points": Pace(2.5, "OTEL_METRIC_EXPORT_INTERVAL"),
}


def senders(exporters: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """One finding for each service and signal of the account book, more where a clock is wrong."""
    if not exporters:
        yield hint(
            "exporters", "none has sent anything yet", "try tenth demo, or tenth run -- PROGRAM"
        )
    for exporter in exporters:
        yield _pace(exporter)
        yield from _clock(exporter)


def _topic(exporter: Mapping[str, Any]) -> str:
    language = exporter["sdk_language"]
    name = f"{exporter['service']} ({language})" if language else exporter["service"]
    return f"{name}, {exporter['signal'].replace('_', ' ')}"


def _pace(exporter: Mapping[str, Any]) -> Finding:
    topic, pace = _topic(exporter), PACES[exporter["signal"]]
    interval_s = exporter["interval_s"]
    if not interval_s:
        return ok(topic, "one batch so far")
    text = f"a batch every {interval_s:.1f} s"
    if interval_s <= pace.live_s:
        return ok(topic, text)
    return hint(
        topic,
        f"{text}: not live, unless there is nothing to send",
        f"set {pace.variable}={LIVE_INTERVALS[pace.variable]} for it, or start it with "
        "tenth run -- PROGRAM",
    )


def _clock(exporter: Mapping[str, Any]) -> Iterator[Finding]:
    offset_s = exporter["clock_offset_ms"] / 1_000
    if offset_s < -MAX_AHEAD_S:
        yield hint(
            _topic(exporter),
            f"its times are {-offset_s:.0f} s ahead of this machine's clock: not in live charts",
            "set the clock of its machine, or of this one",
        )
    elif offset_s > MAX_BEHIND_S + 2 * exporter["interval_s"]:
        yield hint(
            _topic(exporter),
            f"its latest batch was {offset_s:.0f} s old when it came",
            "set the clock of its machine, or see why it sends late",
        )
