"""The load generator: OTLP from templates to a receiver on this machine.

    python -m tests.bench.load --endpoint 127.0.0.1:4317 --seconds 10

Without `--rate` every sender sends its next request when the last one is
answered. With it, requests have due times, and latency counts from these: a
receiver that stalls does not get fewer questions. `--ceiling` sends to a server that
does nothing, and so tells what the generator itself can do.
"""

import argparse
import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import uvloop
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from storage.schema import Signal
from tests.bench.requests import build
from tests.bench.senders import OK, Send, open_grpc, open_http, require_loopback
from tests.bench.sink import sink
from tests.bench.template import Template

MAX_SECONDS: Final = 3_600.0
MAX_IN_FLIGHT: Final = 512
# Several channels: one HTTP/2 connection has one flow-control window for all its calls.
_MAX_CHANNELS: Final = 4
_RESPONSES: Final[dict[Signal, tuple[type[Message], str]]] = {
    Signal.SPANS: (ExportTraceServiceResponse, "rejected_spans"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejected_data_points"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send. `rate` is in items per second, 0 for as fast as it goes."""

    endpoint: str
    signal: Signal = Signal.SPANS
    transport: str = "grpc"
    per_request: int = 512
    in_flight: int = 8
    seconds: float = 10.0
    rate: float = 0.0
    shapes: int = 1
    max_requests: int = 10_000_000

    def __post_init__(self) -> None:
        """Raises ValueError for what is out of bounds."""
        require_loopback(self.endpoint)
        if not 0 < self.seconds <= MAX_SECONDS:
            raise ValueError(f"seconds must be above 0 and at most {MAX_SECONDS:.0f}")
        if not 1 <= self.in_flight <= MAX_IN_FLIGHT:
            raise ValueError(f"in-flight must be 1 to {MAX_IN_FLIGHT}")


@dataclass(slots=True)
class Result:
    """What came back. Latencies are of acknowledged requests, in seconds."""

    seconds: float = 0.0
    items: int = 0
    bytes: int = 0
    rejected_items: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    # When those answers came, monotonic.
    answered_s: list[float] = field(default_factory=list)

    @property
    def items_per_s(self) -> float:
        """Acknowledged items per second."""
        return self.items / self.seconds if self.seconds else 0.0

    @property
    def requests_per_s(self) -> float:
        """Acknowledged requests per second."""
        return len(self.latencies_s) / self.seconds if self.seconds else 0.0

    def latency_ms(self, percent: float) -> float:
        """A percentile of the ack latency; NaN when nothing was acknowledged."""
        if not self.latencies_s:
            return float("nan")
        return 1_000 * float(np.percentile(self.latencies_s, percent))

    def __str__(self) -> str:
        latency = ", ".join(f"p{p:g} {self.latency_ms(p):.1f}" for p in (50, 99))
        return (
            f"{self.items_per_s:,.0f} items/s acked ({self.requests_per_s:,.0f} requests/s, "
            f"{self.bytes / 1e6 / max(self.seconds, 1e-9):,.0f} MB/s), "
            f"ack {latency}, max {self.latency_ms(100):.1f} ms; "
            f"{self.rejected_items} items rejected, refused: {dict(self.refused) or 'none'}"
        )


class Generator:
    """Sends a plan's requests. Whoever clears `going` holds sending back until it is set."""

    def __init__(self, plan: Plan, templates: list[Template] | None = None) -> None:
        self.plan = plan
        self.result = Result()
        self.going = asyncio.Event()
        self.going.set()
        self._templates = templates or build(plan.signal, plan.per_request, plan.shapes)
        # Ids must not come again when a second generator sends to the same archive.
        first = random.SystemRandom().getrandbits(48)
        self._numbers: Iterator[int] = itertools.count(first)
        self._requests = iter(range(plan.max_requests))

    async def run(self) -> Result:
        """Send until the plan's time or count is over, and all is answered."""
        async with _senders(self.plan) as senders:
            started_s = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                for send in senders:
                    tasks.create_task(self._send_on(send, started_s))
            self.result.seconds = time.monotonic() - started_s
        return self.result

    async def _send_on(self, send: Send, started_s: float) -> None:
        plan, end_s = self.plan, started_s + self.plan.seconds
        interval_s = plan.per_request / plan.rate if plan.rate else 0.0
        for index in self._requests:
            due_s = started_s + index * interval_s if interval_s else time.monotonic()
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.going.wait(), max(0.0, end_s - time.monotonic()))
            if max(due_s, time.monotonic()) >= end_s:
                return
            number = next(self._numbers)
            template = self._templates[number % len(self._templates)]
            body = template.stamp(time.time_ns(), number)
            sent_s = due_s if interval_s else time.monotonic()
            self._count(template, sent_s, *await send(body))

    def _count(self, template: Template, sent_s: float, code: str, answer: bytes) -> None:
        result = self.result
        if code != OK:
            result.refused[code] += 1
            return
        rejected = _rejected(self.plan.signal, answer) if answer else 0
        result.answered_s.append(time.monotonic())
        result.latencies_s.append(result.answered_s[-1] - sent_s)
        result.items += template.items - rejected
        result.rejected_items += rejected
        result.bytes += template.bytes


def _rejected(signal: Signal, answer: bytes) -> int:
    message, name = _RESPONSES[signal]
    response: Any = message.FromString(answer)
    return int(getattr(response.partial_success, name))


@contextlib.asynccontextmanager
async def _senders(plan: Plan) -> AsyncIterator[list[Send]]:
    """One function for each request in flight."""
    async with contextlib.AsyncExitStack() as stack:
        if plan.transport == "grpc":
            channels = [
                await stack.enter_async_context(open_grpc(plan.endpoint, plan.signal))
                for _ in range(min(_MAX_CHANNELS, plan.in_flight))
            ]
            yield [channels[n % len(channels)] for n in range(plan.in_flight)]
        else:
            yield [
                await stack.enter_async_context(open_http(plan.endpoint, plan.signal))
                for _ in range(plan.in_flight)
            ]


async def send_load(plan: Plan, templates: list[Template] | None = None) -> Result:
    """Build the requests of a plan, unless they are given, and send them."""
    return await Generator(plan, templates).run()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--endpoint", default="127.0.0.1:4317", help="HOST:PORT on loopback")
    parser.add_argument("--signal", choices=[s.name.lower() for s in Signal], default="spans")
    parser.add_argument("--transport", choices=("grpc", "http"), default="grpc")
    parser.add_argument("--per-request", type=int, default=512, help="items per request")
    parser.add_argument("--in-flight", type=int, default=8, help="requests at a time")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=0.0, help="items per second; 0: no limit")
    parser.add_argument("--shapes", type=int, default=1, help="different sets of attribute keys")
    parser.add_argument("--max-requests", type=int, default=10_000_000)
    parser.add_argument("--ceiling", action="store_true", help="send to a server that does nothing")
    return parser.parse_args()


def main() -> None:
    """Send and print."""
    options: dict[str, Any] = vars(_arguments())
    options["signal"] = Signal[options["signal"].upper()]
    with contextlib.ExitStack() as stack:
        if options.pop("ceiling"):
            options["endpoint"] = stack.enter_context(sink(options["transport"]))
        print(uvloop.run(send_load(Plan(**options))))


if __name__ == "__main__":
    main()
