"""The way of a request: decode, journal, windows, ack.

Requests that wait together are decoded together and share one fsync. Two
threads work one behind the other: while one group is being synced, the next is being
decoded. Every request gets an answer of its own: an Outcome or a Refusal.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from collector.account import Account
from collector.columns import Group, flatten
from collector.decode import (
    Decoder,
    MalformedRequestError,
    SeveralMembersError,
    canonical,
    check_density,
    check_parts,
)
from collector.refusal import Reason, Refusal
from collector.windows import Ring
from storage.journal import Writer, encode
from storage.schema import Signal

log = logging.getLogger(__name__)

# Requests beyond this wait for the next group: it bounds how long one holds others up.
_MAX_GROUP_BYTES: Final = 1024 * 1024
_MAX_GROUP_REQUESTS: Final = 512
# Decoded groups that may wait for the journal.
_MAX_DECODED_GROUPS: Final = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """An acknowledged request: items on disk, and items rejected by reason."""

    accepted: int
    rejected: Counter[str] | None


@dataclass(slots=True)
class _Request:
    body: bytes
    transport: str
    received_ns: int
    answer: asyncio.Future[Outcome]


@dataclass(slots=True)
class _Decoded:
    """A group that waits for the journal."""

    requests: list[_Request]
    group: Group


class Ingest:
    """Takes request bodies, answers once they are on disk."""

    def __init__(
        self,
        journal: Writer,
        ring: Ring,
        account: Account,
        clock: Callable[[], int],
        max_inflight_bytes: int,
    ) -> None:
        self.inflight_bytes = 0
        self.window_faults = 0
        # Set by whoever watches disk and journal: why nothing can be taken in now.
        self.closed: Refusal | None = None
        self._journal = journal
        self._ring = ring
        self._account = account
        self._clock = clock
        self._max_inflight_bytes = max_inflight_bytes
        self._decoders = {signal: Decoder(signal) for signal in Signal}
        self._waiting: dict[Signal, list[_Request]] = {signal: [] for signal in Signal}
        self._arrived = asyncio.Event()
        self._inflight_requests = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._decoded: asyncio.Queue[_Decoded] = asyncio.Queue(_MAX_DECODED_GROUPS)
        self._decode_thread = ThreadPoolExecutor(1, "decode")
        self._journal_thread = ThreadPoolExecutor(1, "journal")

    async def submit(self, signal: Signal, body: bytes, transport: str) -> Outcome:
        """Take in one request in protobuf. Raises Refusal."""
        if self.closed:
            # Not this object itself: each raise would add to its traceback.
            raise Refusal(self.closed.reason, self.closed.message)
        self.reserve(len(body))
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def settle(answer: asyncio.Future[Outcome]) -> None:
            self.release(len(body))
            self._inflight_requests -= 1
            if not self._inflight_requests:
                self._idle.set()
            if not answer.cancelled():
                answer.exception()  # its client may have hung up and never ask

        answer.add_done_callback(settle)
        self._waiting[signal].append(_Request(body, transport, self._clock(), answer))
        self._arrived.set()
        self._inflight_requests += 1
        self._idle.clear()
        return await answer

    def reserve(self, size_bytes: int) -> None:
        """Count bytes of a request as in flight, until `release`. Raises Refusal."""
        if self.inflight_bytes + size_bytes > self._max_inflight_bytes:
            raise Refusal(
                Reason.OVERLOADED,
                f"{self.inflight_bytes} bytes are in flight, the most there may be is "
                f"{self._max_inflight_bytes}; send again later",
            )
        self.inflight_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """The opposite of `reserve`."""
        self.inflight_bytes -= size_bytes

    def refused(self, signal: Signal | None, refusal: Refusal) -> None:
        """Count a refused request; `signal` is None where it is unknown."""
        self._account.refused(signal, refusal.reason)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._decode_groups())
            tasks.create_task(self._journal_groups())

    def stop(self) -> None:
        """Wait for what the threads do now; nothing is journaled any more. Blocking."""
        for thread in (self._decode_thread, self._journal_thread):
            thread.shutdown(cancel_futures=True)

    async def drain(self) -> None:
        """Return once everything that was taken in is answered."""
        await self._idle.wait()

    async def _decode_groups(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            for signal in Signal:
                # What comes while the journal is busy is decoded together: a group costs
                # as much as a thousand items, however few it has.
                await self._decoded.join()
                requests = self._take(signal)
                if not requests:
                    continue
                decoded = await loop.run_in_executor(
                    self._decode_thread, self._decode, signal, requests
                )
                for part in decoded:
                    await self._decoded.put(part)

    def _take(self, signal: Signal) -> list[_Request]:
        # Whose client has hung up is left out.
        waiting = [request for request in self._waiting[signal] if not request.answer.done()]
        size = 0
        count = 0
        while count < min(len(waiting), _MAX_GROUP_REQUESTS) and size < _MAX_GROUP_BYTES:
            size += len(waiting[count].body)
            count += 1
        self._waiting[signal] = waiting[count:]
        if len(waiting) > count:
            self._arrived.set()
        return waiting[:count]

    def _decode(self, signal: Signal, requests: list[_Request]) -> list[_Decoded]:
        """Decode requests together, or, if one of them is bad, each by itself. Blocking."""
        try:
            return [self._decode_group(signal, requests)]
        except Exception as error:  # noqa: BLE001 - one bad request must not stop the others
            if len(requests) > 1:
                return [part for request in requests for part in self._decode(signal, [request])]
            _refuse(requests, _decode_refusal(error))
            return []

    def _decode_group(self, signal: Signal, requests: list[_Request]) -> _Decoded:
        bodies = [request.body for request in requests]
        for body in bodies:
            check_density(signal, body)
        try:
            group = self._flatten(signal, bodies)
        except SeveralMembersError:
            group = self._flatten(signal, [canonical(signal, body) for body in bodies])
        return _Decoded(requests, group)

    def _flatten(self, signal: Signal, bodies: list[bytes]) -> Group:
        nested = self._decoders[signal].decode(bodies)
        group = flatten(signal, nested)
        check_parts(nested, group.tables["origins"])
        return group

    async def _journal_groups(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            groups = [await self._decoded.get()]
            while not self._decoded.empty():
                groups.append(self._decoded.get_nowait())
            for _ in groups:
                self._decoded.task_done()
            try:
                await loop.run_in_executor(self._journal_thread, self._commit, groups)
            except Exception as error:
                log.exception("The journal could not be written")
                refusal = Refusal(
                    Reason.JOURNAL_FAILED, f"the journal could not be written: {error}; send again"
                )
                for decoded in groups:
                    _refuse(decoded.requests, refusal)
            else:
                for decoded in groups:
                    self._acknowledge(decoded)

    def _commit(self, groups: list[_Decoded]) -> None:
        """Write, sync, and only then count groups in the windows. Blocking."""
        for decoded in groups:
            if decoded.group.accepted.any():
                oldest = min(request.received_ns for request in decoded.requests)
                encoded = encode(decoded.group.signal, decoded.group.tables)
                self._journal.append(decoded.group.signal, oldest, encoded)
        self._journal.sync()
        for decoded in groups:
            oldest = min(request.received_ns for request in decoded.requests)
            try:
                self._ring.add(decoded.group.signal, decoded.group.tables, oldest, self._clock())
            except Exception:
                # On disk it is; a chart that misses something is no reason to get it twice.
                log.exception("A group of requests did not get into the windows")
                self.window_faults += 1

    def _acknowledge(self, decoded: _Decoded) -> None:
        requests, group = decoded.requests, decoded.group
        transports = [request.transport for request in requests]
        received_ns = [request.received_ns for request in requests]
        self._account.accepted(group, transports, received_ns, self._clock())
        accepted = group.accepted.tolist()
        for index, request in enumerate(requests):
            if not request.answer.done():
                request.answer.set_result(Outcome(accepted[index], group.rejected.get(index)))


def _decode_refusal(error: Exception) -> Refusal:
    if isinstance(error, MalformedRequestError):
        return Refusal(Reason.MALFORMED, f"the request cannot be decoded: {error}")
    log.error("A request could not be processed", exc_info=error)
    return Refusal(Reason.INTERNAL, "the request could not be processed; send again")


def _refuse(requests: list[_Request], refusal: Refusal) -> None:
    """Answer from any thread."""

    def answer(request: _Request) -> None:
        if not request.answer.done():
            request.answer.set_exception(refusal)

    for request in requests:
        request.answer.get_loop().call_soon_threadsafe(answer, request)
