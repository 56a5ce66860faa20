"""Metrics of the host and of Tenth's own processes, sent to its own collector.

Every export has the same few points whatever Tenth does, and nothing here is
measured per request: the observer cannot feed itself.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import grpc
import psutil
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from tenth import __version__
from tenth.exporting import endpoint, trusted_authority
from tenth.settings import Settings, own_ingest_token
from tenth.supervisor import Supervisor

EXPORT_TIMEOUT_S: Final = 1.0
# An export under way, and the last one.
SHUTDOWN_TIMEOUT_S: Final = 2 * EXPORT_TIMEOUT_S + 0.5
COMPLAINT_INTERVAL_S: Final = 60.0
EXPORTER_LOGGER: Final = "opentelemetry.exporter.otlp.proto.grpc.exporter"
READER_LOGGER: Final = "opentelemetry.sdk.metrics._internal.export"


async def observe(settings: Settings, supervisor: Supervisor) -> None:
    """Sends metrics to `self_otlp` until the supervisor stops. Raises OSError for PEM files."""
    with _rare_complaints() as complaints:
        provider = await asyncio.to_thread(_provider, settings, Processes(supervisor))
        try:
            await supervisor.stopping.wait()
        finally:
            # The collector is going too: that it does not answer is no news.
            complaints.silent = True
            await asyncio.to_thread(provider.shutdown, SHUTDOWN_TIMEOUT_S * 1_000)


class RareLog(logging.Filter):
    """Lets one record through in each interval, in one line. `silent` lets none through."""

    def __init__(self, interval_s: float) -> None:
        super().__init__()
        self.silent = False
        self._interval_s = interval_s
        self._next_s = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be logged; its traceback may not."""
        now_s = time.monotonic()
        if self.silent or now_s < self._next_s:
            return False
        self._next_s = now_s + self._interval_s
        if record.exc_info and record.exc_info[1]:
            record.msg, record.args = f"{record.getMessage()} {record.exc_info[1]!r}", ()
        record.exc_info = None
        return True


@contextmanager
def _rare_complaints() -> Iterator[RareLog]:
    """What the SDK has to say of failing exports, seldom."""
    complaints = RareLog(COMPLAINT_INTERVAL_S)
    loggers = [logging.getLogger(name) for name in (EXPORTER_LOGGER, READER_LOGGER)]
    for logger in loggers:
        logger.addFilter(complaints)
    try:
        yield complaints
    finally:
        for logger in loggers:
            logger.removeFilter(complaints)


class Processes:
    """The processes of Tenth by role; a restarted role is a new process under its old name."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._known: dict[str, psutil.Process] = {}

    def by_role(self) -> Iterator[tuple[str, psutil.Process]]:
        """Role name and process of all that run now, the supervisor included."""
        pids = {role.name: role.pid for role in self._supervisor.roles}
        for name, pid in [*pids.items(), ("supervisor", os.getpid())]:
            known = self._known.get(name)
            if pid is None:
                continue
            if known is None or known.pid != pid:
                try:
                    self._known[name] = psutil.Process(pid)
                except psutil.NoSuchProcess:
                    continue
            yield name, self._known[name]

    def cpu(self, _: CallbackOptions) -> Iterable[Observation]:
        """Processor time since the last call, as a share of one processor."""
        for name, process in self.by_role():
            try:
                yield Observation(process.cpu_percent() / 100, {"tenth.role": name})
            except psutil.NoSuchProcess:
                continue

    def memory(self, _: CallbackOptions) -> Iterable[Observation]:
        """Resident memory in bytes."""
        for name, process in self.by_role():
            try:
                yield Observation(process.memory_info().rss, {"tenth.role": name})
            except psutil.NoSuchProcess:
                continue


def host_cpu(_: CallbackOptions) -> Iterable[Observation]:
    """Share of all processors of the host that was busy since the last call, 0 to 1."""
    yield Observation(psutil.cpu_percent() / 100)


def host_load(_: CallbackOptions) -> Iterable[Observation]:
    """Threads that ran or wanted to, over the last minute, weighted."""
    yield Observation(os.getloadavg()[0])


def host_memory_share(_: CallbackOptions) -> Iterable[Observation]:
    """Share of the host's memory that is not available, 0 to 1."""
    yield Observation(psutil.virtual_memory().percent / 100)


def host_memory(_: CallbackOptions) -> Iterable[Observation]:
    """Used memory of the host in bytes."""
    yield Observation(psutil.virtual_memory().used, {"system.memory.state": "used"})


def host_network(_: CallbackOptions) -> Iterable[Observation]:
    """Bytes through all interfaces but loopback, where Tenth talks to itself."""
    counters = [c for name, c in psutil.net_io_counters(pernic=True).items() if name != "lo"]
    sent = sum(counter.bytes_sent for counter in counters)
    received = sum(counter.bytes_recv for counter in counters)
    yield Observation(sent, {"network.io.direction": "transmit"})
    yield Observation(received, {"network.io.direction": "receive"})


def host_disk(_: CallbackOptions) -> Iterable[Observation]:
    """Bytes read from and written to all disks; nothing where the host does not tell."""
    counters = psutil.disk_io_counters()
    if counters is not None:
        yield Observation(counters.read_bytes, {"disk.io.direction": "read"})
        yield Observation(counters.write_bytes, {"disk.io.direction": "write"})


def since_start(
    read: Callable[[CallbackOptions], Iterable[Observation]],
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """What a total since boot grew by since the first look.

    The SDK gives our start as the start of its sums: all that was before would count as growth.
    """
    first: dict[tuple[tuple[str, object], ...], float] = {}

    def growth(options: CallbackOptions) -> Iterable[Observation]:
        for seen in read(options):
            base = first.setdefault(tuple((seen.attributes or {}).items()), seen.value)
            # Without an interface that has gone the total falls: no growth then.
            yield Observation(max(seen.value - base, 0), seen.attributes)

    return growth


def register(meter: Meter, processes: Processes) -> None:
    """Creates the instruments; names and units are those of the semantic conventions."""
    gauge, counter = meter.create_observable_gauge, meter.create_observable_counter
    amount = meter.create_observable_up_down_counter
    gauge("system.cpu.utilization", [host_cpu], unit="1")
    gauge("system.cpu.load_average.1m", [host_load], unit="{thread}")
    gauge("system.memory.utilization", [host_memory_share], unit="1")
    amount("system.memory.usage", [host_memory], unit="By")
    counter("system.network.io", [since_start(host_network)], unit="By")
    counter("system.disk.io", [since_start(host_disk)], unit="By")
    gauge("process.cpu.utilization", [processes.cpu], unit="1")
    amount("process.memory.usage", [processes.memory], unit="By")


def _exporter(settings: Settings) -> OTLPMetricExporter:
    if settings.self_otlp is None:
        raise ValueError("there is no receiver to send to")
    token = own_ingest_token(settings)
    credentials = _credentials(settings)
    return OTLPMetricExporter(
        endpoint=endpoint(settings, settings.self_otlp),
        insecure=credentials is None,
        credentials=credentials,
        headers={"authorization": f"Bearer {token}"} if token else None,
        timeout=EXPORT_TIMEOUT_S,
    )


def _credentials(settings: Settings) -> grpc.ChannelCredentials | None:
    """For a receiver with TLS, else None."""
    authority = trusted_authority(settings)
    certificate, key = settings.otlp_tls_client_cert, settings.otlp_tls_client_key
    if authority is None:
        return None
    return grpc.ssl_channel_credentials(
        authority.read_bytes(),
        key.read_bytes() if key else None,
        certificate.read_bytes() if certificate else None,
    )


def _provider(settings: Settings, processes: Processes) -> MeterProvider:
    reader = PeriodicExportingMetricReader(
        _exporter(settings), export_interval_millis=settings.self_observation_interval
    )
    resource = Resource.create({"service.name": "tenth", "service.version": __version__})
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)
    register(provider.get_meter("tenth"), processes)
    return provider
