"""The setting that lists which other services are asked over HTTP whether they are well."""

from typing import Final

from tenth.errors import UserError
from ui.config import HttpCheck

MAX_CHECKS: Final = 50
_STATUSES: Final = range(100, 600)
# None: that of the scheme.
_PORTS: Final = (None, *range(1, 65_536))


class UnknownCheckError(UserError):
    """A check that cannot be made."""


def http_checks(text: str) -> tuple[HttpCheck, ...]:
    """Parses `URL`, or `URL STATUS`, separated by commas. Raises UnknownCheckError."""
    parts = [part.split() for part in text.split(",") if part.strip()]
    if len(parts) > MAX_CHECKS:
        raise UnknownCheckError(f"--checks has {len(parts)} addresses; at most {MAX_CHECKS}")
    return tuple(_check(part) for part in parts)


def _check(words: list[str]) -> HttpCheck:
    match words:
        case [url]:
            return HttpCheck(_address(url))
        case [url, status] if status.isdecimal() and int(status) in _STATUSES:
            return HttpCheck(_address(url), int(status))
    raise UnknownCheckError(
        f"--checks: {' '.join(words)!r} is not understood; write URL, or URL STATUS with the "
        "status that it must answer"
    )


def _address(text: str) -> str:
    import httpx  # with all it brings, 7 MB: most have no checks

    try:
        url = httpx.URL(text)
        host = url.host  # decoded only now
    except (httpx.InvalidURL, ValueError) as error:  # ValueError: a name that is no domain
        raise UnknownCheckError(f"--checks: {text!r} is not an address: {error}") from error
    if url.scheme not in ("http", "https") or not host:
        raise UnknownCheckError(f"--checks: {text!r} must begin with http:// or https://")
    if url.port not in _PORTS:
        raise UnknownCheckError(f"--checks: {text!r} has a port that is not from 1 to 65535")
    if url.userinfo:
        # It would be shown, and kept with the metrics.
        raise UnknownCheckError("--checks: an address may not hold a user name or a password")
    return str(url)
