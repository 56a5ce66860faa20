"""An Arrow IPC stream that comes in pieces, cut anywhere.

pyarrow reads streams from blocking files alone. So the stream is cut into its messages here
(Arrow columnar format, "Encapsulated message format"), and pyarrow gets whole ones.
"""

import struct
from typing import Final

import pyarrow as pa
import pyarrow.ipc as pa_ipc

_PREFIX: Final = struct.Struct("<Ii")
_CONTINUATION: Final = 0xFFFF_FFFF
# The place of `bodyLength` in the vtable of the flatbuffer table `Message`.
_BODY_LENGTH_ENTRY: Final = 4 + 3 * 2


class ArrowStream:
    """Decodes a stream piece by piece. `schema` is known once its message is complete."""

    def __init__(self) -> None:
        self.schema: pa.Schema | None = None
        self._pending = bytearray()
        # The schema's message and those of dictionaries, which later batches point into.
        self._prefix = b""

    def feed(self, data: bytes) -> list[pa.RecordBatch]:
        """The record batches that this piece completes. Raises pyarrow.ArrowInvalid on damage."""
        self._pending += data
        batches: list[bytes] = []
        while (size := self._message_size()) is not None:
            message = bytes(self._pending[:size])
            del self._pending[:size]
            self._take(message, batches)
        if not batches:
            return []
        return list(pa_ipc.open_stream(b"".join((self._prefix, *batches))))

    def _take(self, message: bytes, batches: list[bytes]) -> None:
        if len(message) == _PREFIX.size:
            return
        kind = pa_ipc.read_message(message).type
        if kind == "schema":
            self._prefix = message
            self.schema = pa_ipc.open_stream(message).schema
        elif kind == "dictionary":
            self._prefix += message
        else:
            batches.append(message)

    def _message_size(self) -> int | None:
        """The bytes of the first message; None while it is not complete."""
        pending = self._pending
        if len(pending) < _PREFIX.size:
            return None
        mark, metadata_size = _PREFIX.unpack_from(pending)
        if mark != _CONTINUATION or metadata_size < 0:
            raise pa.ArrowInvalid("not an Arrow IPC stream")
        start = _PREFIX.size + metadata_size
        if len(pending) < start:
            return None
        body = _body_length(pending[_PREFIX.size : start]) if metadata_size else 0
        return start + body if len(pending) >= start + body else None


def _body_length(metadata: bytearray) -> int:
    """`bodyLength` of a flatbuffer `Message` (Arrow's Message.fbs)."""
    try:
        (table,) = struct.unpack_from("<I", metadata)
        (back,) = struct.unpack_from("<i", metadata, table)
        vtable = table - back
        (vtable_size,) = struct.unpack_from("<H", metadata, vtable)
        if vtable_size <= _BODY_LENGTH_ENTRY:
            return 0
        (entry,) = struct.unpack_from("<H", metadata, vtable + _BODY_LENGTH_ENTRY)
        (length,) = struct.unpack_from("<q", metadata, table + entry) if entry else (0,)
    except struct.error as error:
        raise pa.ArrowInvalid("damaged metadata in an Arrow IPC stream") from error
    if length < 0:
        raise pa.ArrowInvalid("damaged metadata in an Arrow IPC stream")
    return int(length)
