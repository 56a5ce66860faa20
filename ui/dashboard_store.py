"""Dashboards in files: `DATA/dashboards/ID.toml`, and those that come with Tenth."""

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, TypeVar

from ui.dashboard import MAX_FILE_BYTES, Dashboard, InvalidDashboardError, from_toml

MAX_DASHBOARDS: Final = 200
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SUFFIX: Final = ".toml"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Stored:
    """One file. `dashboard` is None where it is broken, and `error` says how. `built_in` ones
    come with Tenth and are never written."""

    id: str
    built_in: bool
    content: bytes
    dashboard: Dashboard | None
    error: str = ""

    @property
    def etag(self) -> str:
        """Of these very bytes, for If-Match."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:20]}"'


@dataclass(frozen=True, slots=True)
class Listing:
    """Own and built-in dashboards by id. `truncated`: more files than MAX_DASHBOARDS lie there;
    `error`: why one's own cannot be listed."""

    dashboards: list[Stored]
    truncated: bool = False
    error: str = ""


class ConflictError(Exception):
    """Another state of the dashboard is stored than the writer expects; None: nothing is."""

    def __init__(self, stored: Stored | None) -> None:
        super().__init__()
        self.stored = stored


class FullError(Exception):
    """There are as many dashboards as there may be."""


def is_id(text: str) -> bool:
    """Whether a dashboard may be called so: lower-case letters, digits and dashes."""
    return _ID.fullmatch(text) is not None


class DashboardStore:
    """The only writer of a folder of dashboards. None: there are only those that come with Tenth.

    All calls work in one thread, in turn, and to their end, also when the caller goes away.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, "dashboards")

    async def all(self) -> Listing:
        """Everything there is, broken files too."""
        return await self._in_turn(self._list)

    async def get(self, dashboard_id: str) -> Stored | None:
        """One of them. Raises OSError when its file cannot be read."""
        return await self._in_turn(lambda: self._get(dashboard_id))

    async def put(
        self, dashboard_id: str, content: bytes, expected: Callable[[Stored | None], bool]
    ) -> Stored:
        """Write a file that was checked, when what is stored now is what the writer expects.

        On disk when this returns. Raises ConflictError, FullError, and OSError, which leaves the
        file as it was.
        """
        return await self._in_turn(lambda: self._put(dashboard_id, content, expected))

    async def delete(self, dashboard_id: str, expected: Callable[[Stored | None], bool]) -> None:
        """Remove a file. Raises ConflictError and OSError."""
        await self._in_turn(lambda: self._delete(dashboard_id, expected))

    async def _in_turn(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _list(self) -> Listing:
        try:
            files = sorted(self._files())
        except OSError as error:
            return Listing([*built_in().values()], error=str(error))
        own = [self._read(path) for path in files[:MAX_DASHBOARDS]]
        return Listing([*own, *built_in().values()], len(files) > MAX_DASHBOARDS)

    def _get(self, dashboard_id: str) -> Stored | None:
        if dashboard_id in built_in():
            return built_in()[dashboard_id]
        path = self._path(dashboard_id)
        return self._read(path) if path is not None and path.is_file() else None

    def _put(
        self, dashboard_id: str, content: bytes, expected: Callable[[Stored | None], bool]
    ) -> Stored:
        stored = self._get(dashboard_id)
        if not expected(stored):
            raise ConflictError(stored)
        path = self._path(dashboard_id)
        if path is None:
            raise FileNotFoundError("no folder for dashboards is configured")
        if stored is None and sum(1 for _ in self._files()) >= MAX_DASHBOARDS:
            raise FullError
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, content)
        return _stored(dashboard_id, content, built_in=False)

    def _delete(self, dashboard_id: str, expected: Callable[[Stored | None], bool]) -> None:
        stored = self._get(dashboard_id)
        path = self._path(dashboard_id)
        if stored is None or path is None or not expected(stored):
            raise ConflictError(stored)
        path.unlink()
        _sync(path.parent)

    def _path(self, dashboard_id: str) -> Path | None:
        if self._folder is None or not is_id(dashboard_id):
            return None
        return self._folder / f"{dashboard_id}{_SUFFIX}"

    def _files(self) -> Iterator[Path]:
        """Files with the right ending, under whatever name; unfinished ones begin with a dot."""
        with contextlib.suppress(FileNotFoundError):
            for path in self._folder.iterdir() if self._folder else ():
                if path.suffix == _SUFFIX and not path.name.startswith(".") and path.is_file():
                    yield path

    def _read(self, path: Path) -> Stored:
        # A file's name is bytes, which need not be UTF-8.
        name = path.stem.encode(errors="replace").decode()
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            return Stored(name, False, b"", None, f"it cannot be read: {error.strerror}")
        if not is_id(name):
            advice = "its name must be lower-case letters, digits and dashes: rename the file"
            return Stored(name, False, content, None, advice)
        if name in built_in():
            advice = "a dashboard that comes with Tenth has this name: rename the file"
            return Stored(name, False, content, None, advice)
        return _stored(name, content, built_in=False)


@cache
def built_in() -> dict[str, Stored]:
    """The dashboards that come with Tenth, by id."""
    files = (file for file in resources.files("ui").joinpath("dashboards").iterdir())
    found = {
        name: _stored(name, file.read_bytes(), built_in=True)
        for file in files
        if (name := file.name.removesuffix(_SUFFIX)) != file.name
    }
    return dict(sorted(found.items()))


def _stored(dashboard_id: str, content: bytes, *, built_in: bool) -> Stored:
    try:
        return Stored(dashboard_id, built_in, content, from_toml(content))
    except InvalidDashboardError as error:
        return Stored(dashboard_id, built_in, content, None, str(error))


def _write(path: Path, content: bytes) -> None:
    """The whole new content or the whole old one is there, whatever happens."""
    unfinished = path.with_name(f".{path.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - only `os.open` gives a file its mode
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
