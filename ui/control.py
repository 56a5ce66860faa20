"""What a client of the live protocol may say: text frames, JSON."""

from typing import Annotated, Final

import msgspec

from ui.selection import Selection

MAX_WINDOWS: Final = 6_000
# float32 values in one panel's history: 8 MB.
MAX_PANEL_VALUES: Final = 2_000_000
MAX_HZ: Final = 10.0

Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Message(msgspec.Struct, tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Any message; its `type` says which."""


class Subscribe(Message, tag="subscribe", frozen=True):
    """Show a selection as panel `id`, with a history of `windows`."""

    id: Number
    selection: Selection
    windows: Annotated[int, msgspec.Meta(ge=1, le=MAX_WINDOWS)] = 600

    def __post_init__(self) -> None:
        """Raises ValueError, which msgspec reports as a ValidationError."""
        selection = self.selection
        values = selection.values_per_window * -(-self.windows // selection.step_windows)
        if values > MAX_PANEL_VALUES:
            raise ValueError(
                f"{values} values are too many for one panel (at most {MAX_PANEL_VALUES}); "
                "ask for fewer windows, measures or a lower `limit`"
            )


class Unsubscribe(Message, tag="unsubscribe", frozen=True):
    """Stop panel `id`."""

    id: Number


class Ack(Message, tag="ack", frozen=True):
    """Frames up to `sequence` are painted."""

    sequence: Number


class Rate(Message, tag="rate", frozen=True):
    """At most `hz` frames a second; 0 pauses."""

    hz: Annotated[float, msgspec.Meta(ge=0, le=MAX_HZ)]


class Resume(Message, tag="resume", frozen=True):
    """What the client still holds from an earlier connection."""

    epoch: Annotated[str, msgspec.Meta(max_length=32)]
    sequence: Number


class Events(Message, tag="events", frozen=True):
    """Send the newest events, of a service or of all, from now on; `stream` false: no more."""

    service: Annotated[str, msgspec.Meta(max_length=1_024)] | None = None
    stream: bool = True


class Ping(Message, tag="ping", frozen=True):
    """Answered by `pong` with the same `t`."""

    t: float


AnyMessage = Subscribe | Unsubscribe | Ack | Rate | Resume | Events | Ping

_decoder: Final = msgspec.json.Decoder(AnyMessage)


def decode(text: str) -> AnyMessage:
    """Raises msgspec.DecodeError or msgspec.ValidationError."""
    message: AnyMessage = _decoder.decode(text)
    return message


class _HasId(msgspec.Struct):
    id: int | None = None


def id_in(text: str) -> int | None:
    """The `id` of a message that did not decode, if it can be made out."""
    try:
        return msgspec.json.decode(text, type=_HasId).id
    except msgspec.DecodeError:
        return None


def hello(version: str, epoch: str, ring_windows: int, server_time_ms: float) -> bytes:
    """The first message of a connection."""
    return msgspec.json.encode(
        {
            "type": "hello",
            "version": version,
            "epoch": epoch,
            "window_ms": 100,
            "ring_windows": ring_windows,
            "server_time_ms": server_time_ms,
        }
    )


def state(name: str) -> bytes:
    """`live`, `collector_down` or `lagging`."""
    return msgspec.json.encode({"type": "state", "state": name})


def pong(t: float, server_time_ms: float) -> bytes:
    """The answer to a ping."""
    return msgspec.json.encode({"type": "pong", "t": t, "server_time_ms": server_time_ms})


def error(panel_id: int | None, title: str, detail: str) -> bytes:
    """A message was refused."""
    return msgspec.json.encode({"type": "error", "id": panel_id, "title": title, "detail": detail})
