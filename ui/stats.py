"""`GET /api/stats`, the account book, and `GET /readyz`: what the three roles say."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

import grpc
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from collector.contract import live_pb2
from storage.contract import archive_pb2
from ui.archive import Archive
from ui.checks import Checks
from ui.feed import Feed
from ui.live import Hub
from ui.rpc import reason_of
from ui.version import VERSION

_SIGNALS: Final = ("spans", "logs", "metric_points")
_Reply = TypeVar("_Reply")


class Roles:
    """Asks the roles, and tells what each is about. `feed` is None where there is no collector."""

    def __init__(self, feed: Feed | None, archive: Archive, hub: Hub, checks: Checks) -> None:
        self._feed = feed
        self._archive = archive
        self._hub = hub
        self._checks = checks

    async def readiness(self) -> dict[str, dict[str, Any]]:
        """Each role's `ready` and, when it is not, `reason`."""
        _, storage_problem = await _ask(self._archive.stats())
        states = {
            "storage": _state(storage_problem),
            "ui": _state("the server is stopping" if self._hub.closing else None),
        }
        if self._feed is None:
            return states
        collector_problem = None if self._hub.mirror.ready else self._feed.problem
        return {"collector": _state(collector_problem)} | states

    async def account(self) -> dict[str, Any]:
        """The account book as `docs/http-api.md` describes it; a role that is down is null."""
        (collector, collector_problem), (storage, storage_problem) = await asyncio.gather(
            self._ask_collector(), _ask(self._archive.stats())
        )
        problems = [
            *(_problems("collector", collector, collector_problem) if self._feed else []),
            *_problems("storage", storage, storage_problem),
            *_mirror_problems(self._hub),
        ]
        return {
            "version": VERSION,
            "signals": _signals(collector, storage),
            "journal": _journal(collector, storage),
            "ring": _ring(collector, self._hub),
            "archive": _archive(storage),
            "snapshots": _snapshots(storage),
            "live": _live(self._hub),
            "latency": _latencies(collector, storage, self._hub),
            "exporters": _exporters(collector),
            "checks": [state.account() for state in self._checks.states],
            "problems": problems,
        }

    async def _ask_collector(self) -> tuple[live_pb2.StatsReply | None, str | None]:
        return (None, None) if self._feed is None else await _ask(self._feed.stats())


def stats_routes(roles: Roles) -> list[HTTPRouteHandler]:
    """The routes that tell how things are."""

    @get("/healthz")
    async def healthz() -> dict[str, str]:
        """Alive."""
        return {"status": "alive"}

    @get("/readyz")
    async def readyz() -> Response[dict[str, Any]]:
        """200 when all roles are ready, else 503 and why."""
        states = await roles.readiness()
        ready = all(state["ready"] for state in states.values())
        return Response(
            {"ready": ready, "roles": states},
            status_code=200 if ready else 503,
            headers={} if ready else {"Retry-After": "2"},
        )

    @get("/api/stats")
    async def stats() -> dict[str, Any]:
        """The account book: everything received, refused, kept, and how fast."""
        return await roles.account()

    return [healthz, readyz, stats]


async def _ask(call: Awaitable[_Reply]) -> tuple[_Reply | None, str | None]:
    try:
        return await call, None
    except grpc.aio.AioRpcError as error:
        return None, reason_of(error)


def _state(problem: str | None) -> dict[str, Any]:
    return {"ready": True} if problem is None else {"ready": False, "reason": problem}


def _problems(
    role: str,
    reply: live_pb2.StatsReply | archive_pb2.StatsReply | None,
    problem: str | None,
) -> list[dict[str, str]]:
    texts = [f"no answer: {problem}"] if reply is None else list(reply.problems)
    return [{"role": role, "text": text} for text in texts]


def _mirror_problems(hub: Hub) -> list[dict[str, str]]:
    evicted = hub.mirror.early_evictions
    if not evicted:
        return []
    text = (
        f"{evicted} windows left the live ring early to bound its memory; "
        "the archive has them. Fewer series, or a shorter ring, keep live history whole."
    )
    return [{"role": "ui", "text": text}]


def _signals(
    collector: live_pb2.StatsReply | None, storage: archive_pb2.StatsReply | None
) -> dict[str, Any]:
    found = {}
    for signal in _SIGNALS:
        account = live_pb2.SignalAccount() if collector is None else collector.signals[signal]
        found[signal] = {
            "received": account.received_items,
            "accepted": account.accepted_items,
            "rejected": dict(account.rejected_items),
            "late": account.late_items,
            "ahead": account.ahead_items,
            "archived": 0 if storage is None else storage.archived_items[signal],
            "requests": account.received_requests,
            "refused_requests": dict(account.refused_requests),
        }
    return found


def _journal(
    collector: live_pb2.StatsReply | None, storage: archive_pb2.StatsReply | None
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    faults: dict[str, int] = {}
    if collector is not None:
        found |= {
            "bytes": collector.journal_bytes,
            "segments": collector.journal_segments,
            "inflight_bytes": collector.inflight_bytes,
        }
        faults |= dict(collector.journal_faults)
    if storage is not None:
        found |= {"lag_bytes": storage.lag_bytes, "lag_ms": storage.lag_ms}
        for kind, count in storage.journal_faults.items():
            faults[kind] = faults.get(kind, 0) + count
    return found | {"faults": faults}


def _ring(collector: live_pb2.StatsReply | None, hub: Hub) -> dict[str, Any]:
    rings = hub.mirror.rings.values()
    mirror = {
        "series": len(hub.mirror.catalog.series),
        "rows": sum(ring.rows for ring in rings),
        "cells": sum(ring.cells for ring in rings),
        "early_evicted_windows": hub.mirror.early_evictions,
    }
    if collector is None:
        return {"mirror": mirror}
    return {
        "series": collector.ring_series,
        "rows": collector.ring_rows,
        "bytes": collector.ring_bytes,
        "overflow_items": collector.overflow_items,
        "mirror": mirror,
    }


def _archive(storage: archive_pb2.StatsReply | None) -> dict[str, Any] | None:
    if storage is None:
        return None
    return {
        "bytes": storage.archive_bytes,
        "running_queries": storage.running_queries,
        "queries": {
            "users": _places(storage.user_queries),
            "page": _places(storage.page_queries),
        },
        "restarts": _restarts(storage.restarts),
        "tables": {
            name: {
                "rows": table.rows,
                "oldest_time_ms": table.oldest_time_unix_nano / 1e6,
                "newest_time_ms": table.newest_time_unix_nano / 1e6,
            }
            for name, table in sorted(storage.tables.items())
        },
    }


def _places(places: archive_pb2.QueryPlaces) -> dict[str, Any]:
    return {
        "running": places.running,
        "waiting": places.waiting,
        "refused": dict(places.refused),
    }


def _restarts(restarts: archive_pb2.Restarts) -> dict[str, Any]:
    found: dict[str, Any] = {"count": restarts.count}
    if restarts.count:
        found |= {
            "time_ms": restarts.time_unix_nano / 1e6,
            "reason": restarts.reason,
            "query": restarts.query,
        }
    return found


def _snapshots(storage: archive_pb2.StatsReply | None) -> dict[str, int] | None:
    if storage is None:
        return None
    found = storage.snapshots
    return {
        "kept": found.kept,
        "bytes": found.bytes,
        "made": found.made,
        "failed": found.failed,
        "cancelled": found.cancelled,
    }


def _live(hub: Hub) -> dict[str, Any]:
    return {
        "clients": len(hub.clients),
        "frames": hub.frames_sent,
        "bytes": hub.bytes_sent,
        "coalesced": hub.coalesced_ticks,
        "refused": dict(hub.refused),
    }


def _latencies(
    collector: live_pb2.StatsReply | None, storage: archive_pb2.StatsReply | None, hub: Hub
) -> dict[str, Any]:
    found: dict[str, Any] = {"arrival_to_send": hub.arrival_to_send.summary()}
    if collector is not None:
        found["receive_to_ack"] = _summary(collector.receive_to_ack)
        found["event_to_ack"] = _summary(collector.event_to_ack)
    if storage is not None:
        found["ack_to_archive"] = _summary(storage.ack_to_archive)
        found["commit"] = _summary(storage.commit)
        found["checkpoint"] = _summary(storage.checkpoint)
    return found


def _summary(latency: live_pb2.LatencySummary | archive_pb2.LatencySummary) -> dict[str, float]:
    return {
        "count": latency.count,
        "p50_ms": latency.p50_ms,
        "p99_ms": latency.p99_ms,
        "max_ms": latency.max_ms,
    }


def _exporters(collector: live_pb2.StatsReply | None) -> list[dict[str, Any]]:
    if collector is None:
        return []
    return [
        {
            "service": exporter.service_name,
            "sdk_language": exporter.sdk_language,
            "sdk_version": exporter.sdk_version,
            "signal": exporter.signal,
            "transport": exporter.transport,
            "last_batch_time_ms": exporter.last_batch_time_unix_nano / 1e6,
            "last_batch_items": exporter.last_batch_items,
            "interval_s": exporter.interval_s,
            "clock_offset_ms": exporter.clock_offset_ms,
            "accepted": exporter.accepted_items,
            "rejected": exporter.rejected_items,
        }
        for exporter in collector.exporters
    ]
