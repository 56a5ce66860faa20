"""`tenth serve`: checks, starts and introduces Tenth."""

import asyncio
import http.client
import logging
import os
import sys
import time
from typing import Final

from tenth.configs import check, role_start
from tenth.data_dir import DataDir, exclusive
from tenth.errors import UserError
from tenth.exporting import endpoint
from tenth.logs import start_log
from tenth.ports import probe
from tenth.roles import ROLE_START, SUPERVISED, RoleName, RoleStart, leave, watch_supervisor
from tenth.settings import ENV_PREFIX, Settings, tokens
from tenth.supervisor import RoleProcess, Supervisor
from tenth.values import NetworkAddress

log = logging.getLogger("tenth.serve")

# Each before the ones it uses: nobody loses a partner, and the last spans still find a collector.
STOP_ORDER: Final[tuple[RoleName, ...]] = ("ui", "collector", "storage")
# Of a role with many threads glibc would keep an arena for each, with its own free memory. And
# columns of some MiB, which come and go, it would take from the kernel and give back each time.
MEMORY: Final = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2),
    "MALLOC_TRIM_THRESHOLD_": str(32 * 1024**2),
}
READY_POLL_S: Final = 0.1
READY_TIMEOUT_S: Final = 2.0
# How long a start may take before the reason of the wait is shown, and shown again.
PATIENCE_S: Final = 10.0


class AddressInUseError(UserError):
    """Another program listens where Tenth should."""


def serve(settings: Settings) -> None:
    """Runs all of Tenth until SIGTERM or SIGINT; does not return after a clean end.

    Raises UnsafeAddressError, DataDirInUseError or AddressInUseError before anything is started.
    """
    start_log("tenth", settings.log_level)
    watch_supervisor()
    if settings.self_otlp is None:
        settings = settings.model_copy(update={"self_otlp": settings.otlp_grpc.reachable})
    check(settings)
    data = DataDir(settings.data)
    data.create()
    with exclusive(data.run / "lock"):
        for name in ("otlp_grpc", "otlp_http", "ui"):
            _check_free(name, getattr(settings, name))
        asyncio.run(_supervise(settings))
        leave()


async def _supervise(settings: Settings) -> None:
    supervisor = Supervisor([role_process(role_start(name, settings)) for name in STOP_ORDER])
    introduction = asyncio.create_task(_introduce(settings, supervisor))
    try:
        await supervisor.run()
    finally:
        introduction.cancel()
        [outcome] = await asyncio.gather(introduction, return_exceptions=True)
        if isinstance(outcome, Exception):
            log.error("Tenth could not observe itself: %r", outcome)
    print("Tenth has stopped.", flush=True)


def role_process(start: RoleStart) -> RoleProcess:
    """The command of a role and the environment that carries what it is told."""
    inherited = {key: text for key, text in os.environ.items() if not key.startswith(ENV_PREFIX)}
    return RoleProcess(
        name=start.name,
        # -P: a folder named `ui` or `storage` in the working directory is not ours.
        command=(sys.executable, "-P", "-m", "tenth.roles", start.name),
        environment=MEMORY | inherited | {SUPERVISED: "1", ROLE_START: start.to_json()},
    )


def _check_free(name: str, address: NetworkAddress) -> None:
    try:
        probe(address)
    except OSError as error:
        flag = name.replace("_", "-")
        raise AddressInUseError(
            f"cannot listen on {address}: {error.strerror}. Stop what uses it, or choose "
            f"another address with --{flag}"
        ) from error


async def _introduce(settings: Settings, supervisor: Supervisor) -> None:
    """Waits until all roles are ready and says where things are; then observes Tenth itself."""
    await wait_until_ready(settings.ui.reachable)
    print(introduction(settings, on_terminal=sys.stdout.isatty()), flush=True)
    if settings.self_observation and settings.self_otlp:
        from tenth.self_metrics import observe

        await observe(settings, supervisor)


async def wait_until_ready(ui: NetworkAddress) -> None:
    """Returns when all roles behind a page are ready; says in the log what it waits for."""
    complain_at_s = time.monotonic() + PATIENCE_S
    while True:
        reason = await asyncio.to_thread(_why_not_ready, ui)
        if reason is None:
            return
        if time.monotonic() > complain_at_s:
            log.warning("still waiting to be ready: %s", reason)
            complain_at_s += PATIENCE_S
        await asyncio.sleep(READY_POLL_S)


def _why_not_ready(ui: NetworkAddress) -> str | None:
    connection = http.client.HTTPConnection(ui.host, ui.port, timeout=READY_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(4096)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer from http://{ui}/readyz ({error})"
    finally:
        connection.close()
    return None if response.status == http.HTTPStatus.OK else body.decode(errors="replace")


def introduction(settings: Settings, *, on_terminal: bool) -> str:
    """Where everything is. On a terminal the link logs in by itself, once; logs are read later."""
    page = f"http://{settings.ui.reachable}/"
    ui_tokens = tokens(settings.ui_token)
    if ui_tokens and on_terminal:
        from ui.auth import login_code

        page += f"login?code={login_code(ui_tokens)}"
    return "\n".join(
        [
            f"Tenth is ready. Open {page}",
            f"  OTLP/gRPC  {settings.otlp_grpc}",
            f"  OTLP/HTTP  {endpoint(settings, settings.otlp_http)}",
            f"  data       {settings.data}",
            "Try: tenth demo. Stop with Ctrl-C.",
        ]
    )
