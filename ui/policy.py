"""The Content-Security-Policy of every answer."""

_RULES = (
    "default-src 'none'",
    "script-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)


def content_security_policy(style_nonce: str | None = None) -> str:
    """The header's value. A nonce lets a library of the page add its own style elements."""
    nonce = f" 'nonce-{style_nonce}'" if style_nonce else ""
    return "; ".join((*_RULES, f"style-src 'self'{nonce}"))
