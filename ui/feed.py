"""Keeps the mirror fed: subscribes to the collector and does so again when the feed breaks."""

import asyncio
import logging
import random
from typing import Final

import grpc

from collector.contract import live_pb2, live_pb2_grpc
from ui.mirror import Mirror
from ui.ring import WINDOW_MS
from ui.rpc import Metadata, reason_of

_FIRST_BACKOFF_S: Final = 0.1
_MAX_BACKOFF_S: Final = 2.0
_STATS_TIMEOUT_S: Final = 2.0

logger = logging.getLogger(__name__)


class Feed:
    """The collector as the page's server sees it. `problem` says why the feed is down."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata, mirror: Mirror) -> None:
        self.problem = "the collector has not answered yet"
        self.reconnects = 0
        self._stub = live_pb2_grpc.LiveStub(channel)  # type: ignore[no-untyped-call]
        self._metadata = metadata
        self._mirror = mirror
        # Of which epoch the collector's start is known, and when that was.
        self._started: tuple[int, int] | None = None

    async def run(self) -> None:
        """Feed the mirror until cancelled."""
        backoff_s = _FIRST_BACKOFF_S
        while True:
            try:
                async for update in self._stub.Subscribe(
                    live_pb2.SubscribeRequest(), metadata=self._metadata
                ):
                    self._mirror.apply(update)
                    backoff_s = _FIRST_BACKOFF_S
                self._break("the collector ended the feed")
            except grpc.aio.AioRpcError as error:
                self._break(reason_of(error))
            except ValueError as error:
                self._break(f"the collector sent an update that makes no sense: {error}")
            # Full jitter, so that many pages' servers do not come back in step.
            await asyncio.sleep(random.uniform(0, backoff_s))  # noqa: S311
            backoff_s = min(2 * backoff_s, _MAX_BACKOFF_S)

    async def stats(self) -> live_pb2.StatsReply:
        """The collector's pages of the account book. Raises grpc.aio.AioRpcError."""
        reply: live_pb2.StatsReply = await self._stub.Stats(
            live_pb2.StatsRequest(), metadata=self._metadata, timeout=_STATS_TIMEOUT_S
        )
        return reply

    async def ring_start_ms(self) -> int:
        """Since when the ring has all there was: what a collector finds in the journal at its
        start may be a part only. Raises grpc.aio.AioRpcError."""
        epoch = self._mirror.epoch
        if self._started is None or self._started[0] != epoch:
            started_ms = (await self.stats()).started_time_unix_nano // 1_000_000
            self._started = epoch, started_ms
        return max(self._mirror.oldest_window * WINDOW_MS, self._started[1])

    def _break(self, reason: str) -> None:
        if self._mirror.ready:
            logger.warning("the live feed broke, trying again: %s", reason)
        self.problem = reason
        self.reconnects += 1
        self._mirror.lost()
