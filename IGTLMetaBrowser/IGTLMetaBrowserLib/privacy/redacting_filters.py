"""What of the bytes of a conversation may go into a file that is given away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from weakref import WeakSet

from .. import codec
from ..codec.messages.items import ItemListMessage
from ..codec.wire import Buffer
from .redacted_messages import MessageRedactor

# Of all messages that have come in part, from all ends, in bytes; one alone may be larger.
_MOST_UNFINISHED = 1 << 30

_LARGEST_JOINED = 1 << 20
_ITEMS_AT_ONCE = 500
# What fits the buffer that each receiver has anyway.
_SMALL = 64 << 10

_logger = logging.getLogger(__name__)


class RedactingFilters:
    """Makes a filter for each end of each connection; ids and names are the same in all of them."""

    def __init__(self) -> None:
        self._redactor = MessageRedactor()
        self._filters: WeakSet[_RedactingFilter] = WeakSet()

    def make(self) -> Callable[[bytes], Iterator[Buffer]]:
        """Return what makes redacted messages of one end's bytes, as far as they are whole.

        What cannot be read is left out.
        """
        made = _RedactingFilter(self._redactor, self._limit)
        self._filters.add(made)
        return made

    def _limit(self) -> None:
        """Give up the largest message that has not come whole, if all take too much memory."""
        unfinished = [one for one in self._filters if one.unfinished]
        if len(unfinished) < 2 or sum(one.unfinished for one in unfinished) <= _MOST_UNFINISHED:
            return
        largest = max(unfinished, key=lambda one: one.unfinished)
        _logger.warning(
            "too many large messages are sent at a time to be redacted: one of %d bytes is not "
            "recorded",
            largest.unfinished,
        )
        largest.give_up()


class _RedactingFilter:
    def __init__(self, redactor: MessageRedactor, on_more: Callable[[], None]) -> None:
        self._redactor = redactor
        self._on_more = on_more
        self._receiver = codec.Receiver(check_crc=False)
        self.unfinished = 0

    def __call__(self, data: bytes) -> Iterator[Buffer]:
        view = memoryview(data)
        while view:
            buffer = self._receiver.get_buffer()
            count = min(len(buffer), len(view))
            buffer[:count] = view[:count]
            view = view[count:]
            for event in self._receiver.buffer_updated(count):
                if isinstance(event, codec.Message):
                    self.unfinished = 0
                    with suppress(codec.EncodeError):  # a peer's field that could not be sent again
                        message = yield from self._redactor.redacting(event)
                        yield from _packed(message)
        progress = self._receiver.progress
        self.unfinished = 0 if progress is None else max(0, progress.received)
        if self.unfinished > _SMALL:
            self._on_more()

    def give_up(self) -> None:
        """Leave out the message that is arriving."""
        self._receiver.discard()
        self.unfinished = 0


def _packed(message: codec.Message) -> Iterator[Buffer]:
    """Yield the bytes of a message, after empty ones while it is packed and its checksum made."""
    parts: list[Buffer] | None = None
    if isinstance(message, ItemListMessage):
        parts = []
        for start in range(0, len(message.items), _ITEMS_AT_ONCE):
            items = message.items[start : start + _ITEMS_AT_ONCE]
            parts += replace(message, items=items).pack_content()
            yield b""
    content = codec.PackedContent(message, parts)
    while not content.sum_some():
        yield b""
    header = message.device_name, message.header_version, message.message_id, message.metadata
    yield from _joined(content.parts(*header))


def _joined(parts: list[Buffer]) -> list[Buffer]:
    """Return the parts of a message as one, unless it has large ones, as an image."""
    if max(map(len, parts)) > _LARGEST_JOINED:
        return [part for part in parts if len(part)]
    return [b"".join(parts)]
