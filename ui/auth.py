"""Who may look: tokens for programs, a session cookie for browsers."""

import hashlib
import hmac
import time
from collections.abc import Iterable
from typing import Final

COOKIE: Final = "tenth_session"
SESSION_S: Final = 7 * 24 * 3600
_PURPOSE: Final = b"tenth ui session"


class Auth:
    """Checks tokens and sessions. Without tokens everybody may look.

    A session is its expiry time and a signature; the key comes from the tokens, so that
    changing them ends all sessions and restarting the server ends none.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = [_digest(token) for token in tokens]
        self._key = hashlib.sha256(_PURPOSE + b"".join(self._tokens)).digest()

    @property
    def is_open(self) -> bool:
        """Whether no token is needed."""
        return not self._tokens

    def is_token(self, text: str) -> bool:
        """Whether this is one of the tokens, in a time that does not depend on the text."""
        digest = _digest(text)
        # All are compared: stopping at the first would tell which one it is.
        return sum(hmac.compare_digest(digest, token) for token in self._tokens) > 0

    def new_session(self) -> str:
        """A cookie's value for a browser that showed a token."""
        expiry = f"{int(time.time()) + SESSION_S:x}"
        return f"{expiry}.{self._signature(expiry)}"

    def is_session(self, value: str) -> bool:
        """Whether this is the value of a session that has not ended."""
        expiry, _, signature = value.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(expiry).encode()):
            return False
        return int(expiry, 16) > time.time()

    def _signature(self, expiry: str) -> str:
        return hmac.new(self._key, expiry.encode(), hashlib.sha256).hexdigest()


def _digest(token: str) -> bytes:
    # Digests have one length, so comparing them does not tell the token's.
    return hashlib.sha256(token.encode()).digest()
