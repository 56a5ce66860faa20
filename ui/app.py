"""The composition root: here the parts of the page's server meet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar import Litestar
from litestar.logging import LoggingConfig
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from ui.address import host_of
from ui.archive import Archive
from ui.auth import Auth
from ui.checks import Checks
from ui.config import UiConfig
from ui.dashboard_routes import dashboard_routes
from ui.dashboard_store import DashboardStore
from ui.event_routes import event_routes
from ui.events import Events
from ui.feed import Feed
from ui.guard import Guard
from ui.happened import Happened
from ui.history import History
from ui.history_routes import history_routes
from ui.live import Hub
from ui.live_routes import live_routes
from ui.live_socket import LiveSocket
from ui.log_routes import log_routes
from ui.login import login_routes
from ui.lookout import Lookout
from ui.mark_routes import mark_routes
from ui.marks import Marks
from ui.mirror import Mirror
from ui.page import STATIC_DIR, page_routes
from ui.problems import problem_plugin
from ui.read_routes import read_routes
from ui.reads import Reads
from ui.rpc import channel_to, role_metadata
from ui.shown import refuse_changes
from ui.snapshot_routes import snapshot_routes
from ui.sql import sql_routes
from ui.stats import Roles, stats_routes
from ui.trace_routes import trace_routes
from ui.version import VERSION

_MAX_BODY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class App:
    """The ASGI app, the paths of its routes, the hub that must be closed before the server waits
    for clients, and the checks that are made meanwhile."""

    asgi: Any
    paths: frozenset[str]
    hub: Hub
    checks: Checks


def build_app(config: UiConfig, static_dir: Path = STATIC_DIR) -> App:
    """Put the server together; to be called inside the running loop, as gRPC wants it."""
    metadata = role_metadata(config.role_token)
    live_channel = channel_to(config.live_target)
    archive_channel = channel_to(config.archive_target)
    mirror = Mirror()
    feed = Feed(live_channel, metadata, mirror)
    archive = Archive(archive_channel, metadata)
    reads = Reads(archive)
    marks = Marks(live_channel, metadata, reads)
    events = Events(reads)
    happened = Happened()
    hub = Hub(mirror, happened, config.max_live_clients, config.max_subscriptions_per_client)
    lookout = Lookout(marks, events, happened, hub.watched, hub.streamed)
    auth = Auth(config.ui_tokens)
    checks = Checks(config.checks, config.check_interval_s, config.check_timeout_s)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        parts = (hub, lookout, checks) if config.shown else (feed, hub, lookout, checks)
        tasks = [asyncio.create_task(part.run()) for part in parts]
        try:
            yield
        finally:
            hub.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await live_channel.close()
            await archive_channel.close()

    litestar = Litestar(
        route_handlers=[
            *page_routes(static_dir, config.shown),
            *live_routes(hub),
            *history_routes(History(archive, feed, mirror)),
            *sql_routes(archive),
            *read_routes(reads),
            *trace_routes(reads),
            *log_routes(reads),
            *mark_routes(marks, happened, config.read_only),
            *event_routes(events),
            *dashboard_routes(DashboardStore(config.dashboards_dir), config.read_only),
            *snapshot_routes(archive, config.shown),
            *stats_routes(Roles(None if config.shown else feed, archive, hub, checks)),
            *login_routes(auth),
        ],
        lifespan=[lifespan],
        before_request=refuse_changes if config.shown else None,
        plugins=[problem_plugin()],
        openapi_config=OpenAPIConfig(
            title="Tenth",
            version=VERSION,
            path="/schema",
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        ),
        request_max_body_size=_MAX_BODY_BYTES,
        # Only what is our own fault is logged, by `ui.problems`.
        logging_config=LoggingConfig(configure_root_logger=False, log_exceptions="never"),
    )
    door = Guard(LiveSocket(litestar, hub), auth, host_of(config.listen), config.allowed_hosts)
    return App(door, frozenset(route.path for route in litestar.routes), hub, checks)
