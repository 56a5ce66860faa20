"""Bearer tokens, compared in constant time."""

import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import grpc


def authorized(header: str | None, tokens: tuple[str, ...]) -> bool:
    """Whether an `Authorization` header carries one of `tokens`; with no tokens everybody may."""
    if not tokens:
        return True
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    given = token.strip().encode()
    # No short cut: the time must not tell which of several tokens was near.
    return sum(hmac.compare_digest(given, known.encode()) for known in tokens) > 0


class TokenFileError(Exception):
    """The file of ingest tokens cannot be used."""


class IngestTokens:
    """The tokens that senders may show: those of the settings and those of a file.

    `problem` says why the file cannot be read any more; the last tokens hold meanwhile.
    """

    def __init__(self, fixed: tuple[str, ...], file: Path | None) -> None:
        """Raises TokenFileError."""
        self.problem: str | None = None
        self._fixed = fixed
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._tokens = fixed
        if file:
            self._tokens = self._read(file)

    def allows(self, header: str | None) -> bool:
        """Whether an `Authorization` header opens the door."""
        return authorized(header, self._tokens)

    def refresh(self) -> None:
        """Read the file again if it has changed. Blocking."""
        if self._file is None:
            return
        try:
            if self._seen != _identity(self._file):
                self._tokens = self._read(self._file)
            self.problem = None
        except (OSError, TokenFileError) as error:
            self.problem = f"The ingest token file cannot be read, the old tokens hold: {error}"

    def _read(self, file: Path) -> tuple[str, ...]:
        try:
            identity = _identity(file)
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise TokenFileError(f"cannot read the ingest token file {file}: {error}") from error
        tokens = tuple(line.strip() for line in lines if line.strip() and line.strip()[0] != "#")
        if not tokens:
            raise TokenFileError(f"{file} has no token: write one per line")
        # Only now: a file that cannot be used is a problem for as long as it lies there.
        self._seen = identity
        return (*self._fixed, *tokens)


def _identity(file: Path) -> tuple[int, int, int]:
    info = file.stat()
    return info.st_ino, info.st_mtime_ns, info.st_size


class RoleToken(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets only calls with the roles' shared token through; with None, all."""

    def __init__(self, token: str | None) -> None:
        self._tokens = (token,) if token else ()
        self._refuse = grpc.unary_unary_rpc_method_handler(_unauthenticated)
        self._refuse_stream = grpc.unary_stream_rpc_method_handler(_unauthenticated_stream)

    async def intercept_service(self, continuation, details):  # type: ignore[no-untyped-def]
        """grpc.aio.ServerInterceptor."""
        header = dict(details.invocation_metadata or ()).get("authorization")
        handler = await continuation(details)
        if authorized(header, self._tokens) or handler is None:
            return handler
        return self._refuse_stream if handler.response_streaming else self._refuse


_MESSAGE: Final = "set the same role token for all roles"


async def _unauthenticated(_: bytes, context: grpc.aio.ServicerContext) -> bytes:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, _MESSAGE)
    raise AssertionError("abort raises")


async def _unauthenticated_stream(
    _: bytes, context: grpc.aio.ServicerContext
) -> AsyncIterator[bytes]:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, _MESSAGE)
    yield b""
