"""The Python API: `tenth.connect(url).sql(query)`, over the HTTP API of a running Tenth."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from tenth.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

DEFAULT_URL: Final = "http://127.0.0.1:4319"
ARROW: Final = "application/vnd.apache.arrow.stream"
CONNECT_TIMEOUT_S: Final = 5.0
# The longest that a server lets a query run, and what an answer may take beyond that.
QUERY_TIMEOUT_S: Final = 300.0
MARGIN_S: Final = 5.0
SNAPSHOT_TIMEOUT_S: Final = 60.0
# How long it may wait for its turn, unless the server is told to let it wait longer.
QUEUE_S: Final = 10.0
# Longer than the server waits for the collector.
MARK_TIMEOUT_S: Final = 15.0
# In the metadata of a last, empty batch when the answer was cut off at its limit of rows.
TRUNCATED: Final = b"tenth.truncated"

Params = Sequence[Any] | Mapping[str, Any]


class QueryError(UserError):
    """Tenth could not be asked, or refused; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query. `truncated` is true when there are more than the limit allows."""

    table: "pa.Table"
    truncated: bool

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def arrow(self) -> "pa.Table":
        """A pyarrow table, all types as they are."""
        return self.table

    def pandas(self) -> "pd.DataFrame":
        """A pandas data frame. Raises ImportError without pandas."""
        return self.table.to_pandas()

    def polars(self) -> "pl.DataFrame":
        """A polars data frame. Raises ImportError without polars."""
        import polars as pl

        return pl.DataFrame(self.table)

    def rows(self) -> list[tuple[Any, ...]]:
        """Plain Python values. Times are `datetime` in UTC, cut off at microseconds."""
        from tenth.plain import plain

        columns = [plain(column).to_pylist() for column in self.table.columns]
        return list(zip(*columns, strict=True))


class Client:
    """A running Tenth at `url`. `token` is one of its `--ui-token`. For one thread at a time."""

    def __init__(self, url: str = DEFAULT_URL, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(MARGIN_S, connect=CONNECT_TIMEOUT_S),
            # No proxy from the environment: Tenth is here, or where the address says.
            trust_env=False,
        )

    def sql(
        self,
        query: str,
        params: Params | None = None,
        *,
        max_rows: int | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Runs one read-only statement. Raises QueryError.

        `params` are a sequence for `?` and `$1`, or a mapping for `$name`. Without `max_rows`
        the server cuts off at 100,000; without `timeout_s` its own limit holds.
        """
        with self.answer(query, params, max_rows, timeout_s, ARROW) as pieces:
            return _read(b"".join(pieces))

    @contextmanager
    def answer(
        self,
        query: str,
        params: Params | None,
        max_rows: int | None,
        timeout_s: float | None,
        media_type: str,
        *,
        query_id: str | None = None,
    ) -> Iterator[Iterator[bytes]]:
        """The pieces of an answer in the form of `media_type`, as they come. Raises QueryError."""
        body: dict[str, Any] = {
            "query": query,
            "params": params,
            "max_rows": max_rows,
            "query_id": query_id,
        }
        if timeout_s is not None:
            body["timeout_ms"] = round(timeout_s * 1_000)
        with (
            _explained(self.url),
            self._http.stream(
                "POST",
                "/api/sql",
                json={name: value for name, value in body.items() if value is not None},
                headers={"Accept": media_type},
                timeout=httpx.Timeout(
                    (timeout_s or QUERY_TIMEOUT_S) + QUEUE_S + MARGIN_S, connect=CONNECT_TIMEOUT_S
                ),
            ) as response,
        ):
            if not response.is_success:
                response.read()
                raise QueryError(_problem(response))
            yield response.iter_bytes()

    def mark(
        self,
        text: str,
        *,
        time: datetime | None = None,
        service_name: str = "",
        attributes: Mapping[str, str | bool | int | float] | None = None,
    ) -> dict[str, Any]:
        """Sets a mark, which every chart shows; it is on disk when this returns it.

        `time` without a zone is local; now if it is None. Raises QueryError.
        """
        body: dict[str, Any] = {"text": text, "service_name": service_name}
        if time is not None:
            body["time"] = time.astimezone().isoformat()
        if attributes:
            body["attributes"] = dict(attributes)
        with _explained(self.url):
            response = self._http.post("/api/marks", json=body, timeout=MARK_TIMEOUT_S)
        if not response.is_success:
            raise QueryError(_problem(response))
        mark: dict[str, Any] = response.json()
        return mark

    def make_snapshot(
        self,
        *,
        name: str = "",
        from_ms: int | None = None,
        to_ms: int | None = None,
        signals: Sequence[str] = (),
    ) -> str:
        """Has a snapshot made of what was between two times (Unix ms); its id. Raises QueryError.

        Without them it is all there is until now; without `signals` of all of them.
        """
        body = {"name": name, "from_ms": from_ms, "to_ms": to_ms, "signals": list(signals)}
        return str(self._asked("POST", "/api/snapshots", json=body)["id"])

    def snapshot(self, snapshot_id: str) -> dict[str, Any]:
        """How far a snapshot has come: `state`, `progress` (0 to 1), `error` and more.

        Raises QueryError.
        """
        return self._asked("GET", f"/api/snapshots/{snapshot_id}")

    @contextmanager
    def snapshot_file(self, snapshot_id: str) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The file of a finished snapshot: its size, and its bytes as they come.

        Raises QueryError.
        """
        path = f"/api/snapshots/{snapshot_id}/file"
        with (
            _explained(self.url),
            self._http.stream("GET", path, timeout=SNAPSHOT_TIMEOUT_S) as response,
        ):
            if not response.is_success:
                response.read()
                raise QueryError(_problem(response))
            yield int(response.headers.get("content-length", 0)), response.iter_bytes()

    def remove_snapshot(self, snapshot_id: str) -> None:
        """Cancels a snapshot that is being made, or deletes its file. Raises QueryError."""
        self._asked("DELETE", f"/api/snapshots/{snapshot_id}")

    def _asked(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        with _explained(self.url):
            response = self._http.request(method, path, timeout=SNAPSHOT_TIMEOUT_S, **request)
        if not response.is_success:
            raise QueryError(_problem(response))
        answer: dict[str, Any] = response.json()
        return answer

    def progress(self, query_id: str) -> dict[str, Any] | None:
        """`GET /api/sql/{query_id}`; None when no such query waits or runs. Raises QueryError."""
        with _explained(self.url):
            response = self._http.get(f"/api/sql/{query_id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if not response.is_success:
            raise QueryError(_problem(response))
        found: dict[str, Any] = response.json()
        return found

    def stats(self) -> dict[str, Any]:
        """The account book, `GET /api/stats`. Raises QueryError."""
        with _explained(self.url):
            response = self._http.get("/api/stats")
        if not response.is_success:
            raise QueryError(_problem(response))
        book: dict[str, Any] = response.json()
        return book

    def readiness(self) -> dict[str, dict[str, Any]]:
        """Each role's `ready` and, when it is not, `reason`. Raises QueryError."""
        with _explained(self.url):
            response = self._http.get("/readyz")
        try:
            roles: dict[str, dict[str, Any]] = response.json()["roles"]
        except (ValueError, KeyError, TypeError) as error:
            raise QueryError(f"{self.url} does not answer as Tenth does") from error
        return roles

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def connect(url: str = DEFAULT_URL, token: str | None = None) -> Client:
    """A client of the Tenth at `url`. Nothing is sent before the first question."""
    return Client(url, token)


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Failures to talk as QueryError, with what to look for."""
    try:
        yield
    except httpx.RemoteProtocolError as error:
        raise QueryError(f"{url} broke off its answer ({error}): see its log") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise QueryError(
            f"no answer from {url} ({reason}): is `tenth serve` running there?"
        ) from error


def _problem(response: httpx.Response) -> str:
    """The text of an RFC 9457 problem, or of whatever else came."""
    try:
        problem = response.json()
        return ": ".join(str(problem[key]) for key in ("title", "detail") if problem.get(key))
    except (ValueError, AttributeError):
        return f"HTTP {response.status_code}: {response.text[:500]}"


def _read(stream: bytes) -> Result:
    import pyarrow as pa
    import pyarrow.ipc as pa_ipc

    batches = []
    truncated = False
    try:
        with pa_ipc.open_stream(BytesIO(stream)) as reader:
            for batch, metadata in reader.iter_batches_with_custom_metadata():
                batches.append(batch)
                truncated = truncated or (metadata is not None and TRUNCATED in metadata)
            return Result(pa.Table.from_batches(batches, reader.schema), truncated)
    except pa.ArrowInvalid as error:
        raise QueryError(f"the answer is no Arrow stream ({error}): is that Tenth?") from error
