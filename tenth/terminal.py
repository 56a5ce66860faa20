"""Text from telemetry on a terminal."""


def visible(text: str, keep: str = "") -> str:
    """Text in which control characters, which must not reach a terminal, are written out."""
    return "".join(
        char if char.isprintable() or char in keep else repr(char)[1:-1] for char in text
    )
