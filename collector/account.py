"""The collector's pages of the account book: what came, and what became of it."""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from collector.columns import Group
from collector.contract import live_pb2 as pb
from collector.refusal import Reason
from storage.origin import resource_attributes, service_name
from storage.schema import Signal

NAMES: Final[dict[Signal | None, str]] = {
    Signal.SPANS: "spans",
    Signal.LOGS: "logs",
    Signal.METRICS: "metric_points",
    None: "other",
}
# How marks come that people set; nobody exports them.
MARK_TRANSPORT: Final = "mark"
_MAX_EXPORTERS: Final = 1_000
_MAX_TEXT_CHARS: Final = 100
_SAMPLES: Final = 4_096
# Weight of the newest interval in the smoothed one.
_INTERVAL_WEIGHT: Final = 0.2


class Latency:
    """The last few thousand durations of one kind."""

    def __init__(self) -> None:
        self._ms = np.zeros(_SAMPLES)
        self._count = 0

    def add(self, duration_ns: int) -> None:
        """Take one sample."""
        self._ms[self._count % _SAMPLES] = duration_ns / 1e6
        self._count += 1

    def summary(self) -> pb.LatencySummary:
        """Count of all samples, percentiles of the last ones, in milliseconds."""
        samples = self._ms[: min(self._count, _SAMPLES)]
        if len(samples) == 0:
            return pb.LatencySummary()
        p50, p99 = np.percentile(samples, (50, 99))
        return pb.LatencySummary(
            count=self._count, p50_ms=p50, p99_ms=p99, max_ms=float(samples.max())
        )


@dataclass(slots=True)
class _Items:
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Exporter:
    """What is known of one resource that sends one signal over one transport."""

    last_batch_ns: int = 0
    last_batch_items: int = 0
    interval_s: float = 0.0
    clock_offset_ms: float = 0.0
    accepted_items: int = 0
    rejected_items: int = 0

    def meet(self, received_ns: int, newest_ns: int, accepted: int, rejected: int) -> None:
        """Take one batch into account."""
        if self.last_batch_ns:
            interval_s = (received_ns - self.last_batch_ns) / 1e9
            known = self.interval_s or interval_s
            self.interval_s = known + _INTERVAL_WEIGHT * (interval_s - known)
        self.last_batch_ns = received_ns
        self.last_batch_items = accepted
        self.accepted_items += accepted
        self.rejected_items += rejected
        if newest_ns:
            self.clock_offset_ms = (received_ns - newest_ns) / 1e6


class Account:
    """Counters. Only the event loop's thread writes to it."""

    def __init__(self) -> None:
        self.receive_to_ack = Latency()
        self.event_to_ack = Latency()
        # None: requests of which one cannot tell.
        self._items: dict[Signal | None, _Items] = {signal: _Items() for signal in NAMES}
        self._exporters: OrderedDict[tuple[bytes, Signal, str], _Exporter] = OrderedDict()

    def refused(self, signal: Signal | None, reason: Reason) -> None:
        """A request got no ack."""
        self._items[signal].requests += 1
        self._items[signal].refused[reason.value] += 1

    def accepted(
        self, group: Group, transports: list[str], received_ns: list[int], now_ns: int
    ) -> None:
        """The requests of a group are on disk and answered."""
        items = self._items[group.signal]
        items.requests += len(transports)
        items.accepted += int(group.accepted.sum())
        for reasons in group.rejected.values():
            items.rejected.update(reasons)
        accepted, newest_time = group.accepted.tolist(), group.newest_time.tolist()
        for index, (transport, received) in enumerate(zip(transports, received_ns, strict=True)):
            self.receive_to_ack.add(now_ns - received)
            if index in group.resources and transport != MARK_TRANSPORT:
                rejected = sum(group.rejected.get(index, {}).values())
                exporter = self._exporter((group.resources[index], group.signal, transport))
                exporter.meet(received, newest_time[index], accepted[index], rejected)
        newest = max(newest_time, default=0)
        if newest:
            self.event_to_ack.add(now_ns - newest)

    def _exporter(self, key: tuple[bytes, Signal, str]) -> "_Exporter":
        exporter = self._exporters.get(key)
        if exporter is None:
            exporter = self._exporters[key] = _Exporter()
            if len(self._exporters) > _MAX_EXPORTERS:
                self._exporters.popitem(last=False)
        self._exporters.move_to_end(key)
        return exporter

    def fill(self, reply: pb.StatsReply, late: Counter[Signal], ahead: Counter[Signal]) -> None:
        """Write everything into a reply of Live.Stats."""
        for signal, items in self._items.items():
            rejected = sum(items.rejected.values())
            reply.signals[NAMES[signal]].CopyFrom(
                pb.SignalAccount(
                    received_items=items.accepted + rejected,
                    accepted_items=items.accepted,
                    rejected_items=items.rejected,
                    late_items=late[signal] if signal else 0,
                    ahead_items=ahead[signal] if signal else 0,
                    received_requests=items.requests,
                    refused_requests=items.refused,
                )
            )
        reply.receive_to_ack.CopyFrom(self.receive_to_ack.summary())
        reply.event_to_ack.CopyFrom(self.event_to_ack.summary())
        reply.exporters.extend(_message(*item) for item in self._exporters.items())


def _message(key: tuple[bytes, Signal, str], exporter: _Exporter) -> pb.Exporter:
    resource, signal, transport = key
    attributes = resource_attributes(resource)
    return pb.Exporter(
        service_name=service_name(resource),
        sdk_language=str(attributes.get("telemetry.sdk.language", ""))[:_MAX_TEXT_CHARS],
        sdk_version=str(attributes.get("telemetry.sdk.version", ""))[:_MAX_TEXT_CHARS],
        signal=NAMES[signal],
        transport=transport,
        last_batch_time_unix_nano=exporter.last_batch_ns,
        last_batch_items=exporter.last_batch_items,
        interval_s=exporter.interval_s,
        clock_offset_ms=exporter.clock_offset_ms,
        accepted_items=exporter.accepted_items,
        rejected_items=exporter.rejected_items,
    )
