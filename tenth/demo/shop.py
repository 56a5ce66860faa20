"""`tenth demo`: opens the shop, lets customers in, closes it and counts."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from typing import TYPE_CHECKING, Final

from tenth.demo.customers import visit_shop
from tenth.errors import UserError
from tenth.exporting import telemetry_environment

if TYPE_CHECKING:
    from tenth.cli import Demo

SERVICES: Final = ("frontend", "catalog", "checkout")
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
# Half a second shows the shop's metrics move; spans and logs go every 200 ms.
METRIC_INTERVAL_MS: Final = 500


class ShopError(UserError):
    """A service of the shop did not start or did not end."""


def run_shop(command: "Demo") -> None:
    """Runs until the duration is over or Ctrl-C, then prints what was sent."""
    spans, visits = asyncio.run(_run(command))
    if command.as_json:
        print(json.dumps({"spans": spans, "visits": visits}))
        return
    for service, count in spans.items():
        print(f"{service:<14} {count:>8} spans sent")
    print(f"{sum(visits.values())} visits, of which {visits['failed']} failed")


async def _run(command: "Demo") -> tuple[dict[str, int], Counter[str]]:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sockets = {name: _listening_socket() for name in SERVICES}
    urls = {name: f"http://127.0.0.1:{s.getsockname()[1]}" for name, s in sockets.items()}
    processes = [await _start(name, sockets[name], urls, command) for name in SERVICES]
    for listening in sockets.values():
        listening.close()
    await asyncio.gather(*(_until_open(process) for process in processes))
    if not command.as_json:
        print(f"The shop is open at {urls['frontend']}/ and sends to {_receiver(command)}.")
    ends_s = time.monotonic() + command.duration.seconds if command.duration else None
    visits = await visit_shop(
        urls["frontend"],
        command.rate,
        lambda: not stopped.is_set() and (ends_s is None or time.monotonic() < ends_s),
    )
    counts = await asyncio.gather(*(_stop(process) for process in processes))
    return dict(counts), visits


def _listening_socket() -> socket.socket:
    """A listening socket on a free port: connections wait in it until the service is up."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.set_inheritable(True)
    return listening


def _receiver(command: "Demo") -> str:
    return command.endpoint or command.otlp_grpc.reachable


async def _start(
    name: str, listening: socket.socket, urls: dict[str, str], command: "Demo"
) -> Process:
    connection = command.model_copy(update={"otlp_grpc": command.endpoint or command.otlp_grpc})
    descriptor = listening.fileno()
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "tenth.demo.service", name, str(descriptor), json.dumps(urls)),
        env=os.environ
        | telemetry_environment(connection)
        | {
            "OTEL_METRIC_EXPORT_INTERVAL": str(METRIC_INTERVAL_MS),
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        },
        stdin=PIPE,
        stdout=PIPE,
        pass_fds=[descriptor],
        start_new_session=True,
    )


async def _until_open(process: Process) -> None:
    """Waits for the service to say so: customers at a closed door would look like slow requests."""
    said = b""
    with contextlib.suppress(TimeoutError):
        if process.stdout:
            said = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
    if not said:
        raise ShopError("a service of the shop did not start; see above")


async def _stop(process: Process) -> tuple[str, int]:
    """Ends a service by closing its input. Returns its name and how many spans it sent."""
    try:
        output, _ = await asyncio.wait_for(process.communicate(b""), STOP_TIMEOUT_S)
        report = json.loads(output)
    except (TimeoutError, ValueError) as error:
        if process.returncode is None:
            process.kill()
        raise ShopError("a service of the shop ended without its report; see above") from error
    return report["service"], report["spans"]
