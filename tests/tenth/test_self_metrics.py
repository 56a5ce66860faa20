"""Tenth observing itself, received by a real OTLP server."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions

from tenth.self_metrics import (
    EXPORTER_LOGGER,
    READER_LOGGER,
    RareLog,
    host_network,
    observe,
    since_start,
)
from tenth.settings import Settings
from tenth.supervisor import RoleProcess, Supervisor
from tenth.values import Duration, NetworkAddress
from tests.ports import free_ports
from tests.tenth.receiver import Received, receiving
from tests.waiting import eventually_async

UNITS = {
    "system.cpu.utilization": ("gauge", "1"),
    "system.cpu.load_average.1m": ("gauge", "{thread}"),
    "system.memory.utilization": ("gauge", "1"),
    "system.memory.usage": ("sum", "By"),
    "system.network.io": ("sum", "By"),
    "system.disk.io": ("sum", "By"),
    "process.cpu.utilization": ("gauge", "1"),
    "process.memory.usage": ("sum", "By"),
}


@pytest.fixture
def role() -> Iterator[RoleProcess]:
    """A role whose process is a Python that waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    yield _Running("collector", [], {}, given_pid=process.pid)
    process.communicate()


class _Running(RoleProcess):
    """A role that somebody else has started."""

    def __init__(self, *arguments: Any, given_pid: int) -> None:
        super().__init__(*arguments)
        self.given_pid = given_pid

    @property
    def pid(self) -> int:
        return self.given_pid


def settings(port: int) -> Settings:
    """Settings that send to the port as often as can be."""
    return Settings(
        self_otlp=NetworkAddress(f"127.0.0.1:{port}"),
        self_observation_interval=Duration(50),
    )


def values(received: Received, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The newest value of each series of a metric."""
    found = {}
    for _, metric in received.metrics:
        if metric.name == name:
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                labels = tuple((pair.key, pair.value.string_value) for pair in point.attributes)
                found[labels] = point.as_double or float(point.as_int)
    return found


async def test_host_and_processes_are_measured(role: RoleProcess) -> None:
    """All instruments arrive as service `tenth` with the conventions' units and sane values."""
    supervisor = Supervisor([role])
    with receiving() as received:
        port = int(received.endpoint.rpartition(":")[2])
        observation = asyncio.create_task(observe(settings(port), supervisor))
        await eventually_async(lambda: len(received.metrics) > 3 * len(UNITS), what="three exports")
        supervisor.request_stop()
        await observation
    assert {service for service, _ in received.metrics} == {"tenth"}
    seen = {m.name: (m.WhichOneof("data"), m.unit) for _, m in received.metrics}
    assert seen.items() <= UNITS.items()
    assert UNITS.keys() - seen.keys() <= {"system.disk.io"}  # some containers hide their disks
    assert 0 <= values(received, "system.cpu.utilization")[()] <= 1
    assert 0 < values(received, "system.memory.utilization")[()] <= 1
    memory = values(received, "process.memory.usage")
    assert memory.keys() == {(("tenth.role", "collector"),), (("tenth.role", "supervisor"),)}
    assert all(1e6 < size_bytes < 1e10 for size_bytes in memory.values())


async def test_a_missing_collector_is_mentioned_once(
    role: RoleProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """While the collector is away exports fail quietly, and go on when it is back."""
    [port] = free_ports(1)
    supervisor = Supervisor([role])
    observation = asyncio.create_task(observe(settings(port), supervisor))
    await eventually_async(lambda: complaints(caplog), what="first complaint")
    with receiving(port) as received:
        await eventually_async(lambda: received.metrics, what="an export")
        supervisor.request_stop()
        await observation
    assert len(complaints(caplog)) == 1


def complaints(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the exporter logged."""
    return [record for record in caplog.records if record.name == EXPORTER_LOGGER]


def test_a_complaint_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """What the SDK logs with a traceback comes without it, and the same again not for a while."""
    log = logging.getLogger(READER_LOGGER)
    complaints = RareLog(interval_s=60)
    log.addFilter(complaints)
    for _ in range(2):
        log.error("Exception while exporting %s", "metrics", exc_info=ValueError("closed channel"))
    log.removeFilter(complaints)
    [record] = caplog.records
    assert record.exc_info is None
    assert record.getMessage() == ("Exception while exporting metrics ValueError('closed channel')")


async def test_a_dead_process_is_left_out() -> None:
    """A role that is down has no numbers, and the others keep theirs."""
    supervisor = Supervisor([_Running("storage", [], {}, given_pid=2**22 - 1)])
    with receiving() as received:
        port = int(received.endpoint.rpartition(":")[2])
        observation = asyncio.create_task(observe(settings(port), supervisor))
        await eventually_async(
            lambda: values(received, "process.memory.usage"), what="process metrics"
        )
        supervisor.request_stop()
        await observation
    assert values(received, "process.memory.usage").keys() == {(("tenth.role", "supervisor"),)}
    assert os.getpid() != 2**22 - 1


def test_totals_since_boot_begin_at_zero() -> None:
    """What the host moved before Tenth started is no traffic of Tenth's first moment."""
    seen = since_start(host_network)
    first = {str(o.attributes): o.value for o in seen(CallbackOptions())}
    assert first
    assert set(first.values()) == {0}
    assert all(o.value >= 0 for o in seen(CallbackOptions()))
