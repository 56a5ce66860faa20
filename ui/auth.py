"""Who may look: tokens for programs, a session cookie for browsers."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from typing import Final

from ui.throttle import Throttle

COOKIE: Final = "tenth_session"
SESSION_S: Final = 7 * 24 * 3600
LOGIN_CODE_S: Final = 600
_PURPOSE: Final = b"tenth ui session"
_LOGIN: Final = "login"


def login_code(tokens: Iterable[str]) -> str:
    """A code for `/login?code=`, made from the server's own tokens: it logs in once, within ten
    minutes, so that a link that somebody finds later is worth nothing."""
    signer = Auth(tokens)
    expiry = f"{int(time.time()) + LOGIN_CODE_S:x}-{secrets.token_hex(8)}"
    return f"{expiry}.{signer.signature(_LOGIN + expiry)}"


class Auth:
    """Checks tokens and sessions. Without tokens everybody may look.

    A session is its expiry time and a signature; the key comes from the tokens, so that
    changing them ends all sessions and restarting the server ends none. `throttle` counts
    the failures of those who try.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = [_digest(token) for token in tokens]
        self._key = hashlib.sha256(_PURPOSE + b"".join(self._tokens)).digest()
        self.throttle = Throttle()
        # Codes that were used, until they would have ended anyway.
        self._used_codes: dict[str, int] = {}

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
        return f"{expiry}.{self.signature(expiry)}"

    def is_session(self, value: str) -> bool:
        """Whether this is the value of a session that has not ended."""
        expiry, _, signature = value.partition(".")
        return self._is_signed(expiry, signature) and int(expiry, 16) > time.time()

    def spend_login_code(self, code: str) -> bool:
        """Whether this is a code of `login_code` that has not ended; each is so only once."""
        expiry, _, signature = code.partition(".")
        if not self._is_signed(_LOGIN + expiry, signature):
            return False
        now_s, end_s = time.time(), int(expiry.partition("-")[0], 16)
        self._used_codes = {k: end for k, end in self._used_codes.items() if end > now_s}
        if end_s <= now_s or expiry in self._used_codes:
            return False
        self._used_codes[expiry] = end_s
        return True

    def signature(self, text: str) -> str:
        """What only those who know the tokens can make of a text."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _is_signed(self, text: str, signature: str) -> bool:
        return hmac.compare_digest(signature.encode(), self.signature(text).encode())


def _digest(token: str) -> bytes:
    # Digests have one length, so comparing them does not tell the token's.
    return hashlib.sha256(token.encode()).digest()
