"""Which pages may send telemetry from a browser (OTLP specification, "OTLP/HTTP Request")."""

from typing import Final
from urllib.parse import urlsplit

from collector.addresses import is_loopback

# How long a browser may remember that it was allowed.
_MAX_AGE_S: Final = 7_200


class Cors:
    """Allows the configured origins and all of loopback."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    def allows(self, origin: str) -> bool:
        """Whether pages of `origin`, such as `https://shop.example:8443`, may send."""
        if origin.lower() in self._origins:
            return True
        try:
            return is_loopback(urlsplit(origin).hostname or "")
        except ValueError:
            return False

    def headers(self, origin: str | None) -> dict[str, str]:
        """What lets a page of `origin` read the answer; nothing for others."""
        if origin is None:
            return {}
        vary = {"vary": "origin"}
        if not self.allows(origin):
            return vary
        return vary | {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": "retry-after",
        }

    def preflight_headers(self, origin: str, requested_headers: str) -> dict[str, str]:
        """What lets a page of an allowed `origin` POST with the headers it asked for."""
        return self.headers(origin) | {
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": requested_headers or "content-type",
            "access-control-max-age": str(_MAX_AGE_S),
        }
