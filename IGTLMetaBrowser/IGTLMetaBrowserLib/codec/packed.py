"""One content, packed and summed once, for answers under many headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .crc64 import crc64, crc64_combine
from .framing import pack_around
from .header import Header
from .messages.base import Message
from .wire import Buffer

# A few ms of work: between two pieces, a server serves its other clients.
_SUMMED_AT_ONCE = 4 << 20


class PackedContent:
    """The content of ``message``, shared by all who are sent it; nothing of it is copied.

    Its checksum, the dear part (50 ms for 157 MB), does not depend on header version, message id
    and metadata: ``parts`` combines it with theirs. It is computed by ``sum_some``, in turns, for
    callers that must not keep others waiting, or else by the first call of ``parts``.

    ``content`` are its bytes, if somebody has packed it already. Raises ``EncodeError`` if the
    content cannot be packed.
    """

    def __init__(self, message: Message, content: Iterable[Buffer] | None = None) -> None:
        self.message = message
        parts = message.pack_content() if content is None else content
        self._content = [memoryview(part).cast("B") for part in parts if len(part)]
        self.size = sum(map(len, self._content))
        self._crc = 0
        self._unsummed = [
            part[start : start + _SUMMED_AT_ONCE]
            for part in reversed(self._content)
            for start in reversed(range(0, len(part), _SUMMED_AT_ONCE))
        ]

    def sum_some(self) -> bool:
        """Go on with the checksum for some MiB, a few ms; return whether it is done."""
        if self._unsummed:
            self._crc = crc64(self._unsummed.pop(), self._crc)
        return not self._unsummed

    @property
    def crc(self) -> int:
        """The CRC-64 of the content, as far as ``sum_some`` has come."""
        return self._crc

    def parts(
        self,
        device_name: str,
        header_version: int = 1,
        message_id: int = 0,
        metadata: Mapping[str, str] | None = None,
    ) -> list[Buffer]:
        """Return the bytes of a message with this content, as ``pack_parts`` does."""
        while not self.sum_some():
            pass
        type_name, timestamp = self.message.type_name, self.message.timestamp
        before, after = pack_around(
            type_name, device_name, header_version, message_id, metadata or {}
        )
        crc = self._crc
        for part in before:
            crc = crc64_combine(crc64(part), crc, self.size)
        for part in after:
            crc = crc64(part, crc)
        size = self.size + sum(map(len, [*before, *after]))
        header = Header(header_version, type_name, device_name, timestamp, size, crc)
        return [header.pack(), *before, *self._content, *after]
