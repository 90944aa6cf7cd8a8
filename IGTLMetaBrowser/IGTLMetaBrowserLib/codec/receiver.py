"""Bytes in as they come, messages out (sans-I/O).

The caller asks for a place to put bytes, fills some of it, and says how many::

    receiver = Receiver()
    view = receiver.get_buffer()
    for event in receiver.buffer_updated(sock.recv_into(view)):
        ...  # a Message, or Rejected if one could not be read

Small messages share one buffer. A large body gets memory of its own, which becomes the image:
it is received straight into its place, and its checksum is folded in as the bytes arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .crc64 import Crc64, crc64
from .errors import BodyMemoryError, BodySizeError, DecodeError, ParsedSizeError
from .framing import describe, unknown_version, unpack_body, wrong_checksum
from .header import HEADER_SIZE, KNOWN_VERSIONS, Header
from .messages.base import Message, registered_class
from .messages.image import IMAGE_HEADER_SIZE, ImageMessage
from .messages.pixel_swap import PixelSwap
from .messages.query import query_class
from .wire import Buffer

# The header's size is a u64 that anyone can claim; a CT of 1000 slices of 512² has 0.5 GiB.
DEFAULT_MAX_BODY_SIZE = 2 << 30

# The content of these is not looked at item by item when it is read, however large it is.
_READ_AT_ONCE = frozenset({
    "COLORT", "COLORTABLE", "IMAGE", "IMGMETA", "IMGPART", "LBMETA", "POINT", "TRAJ",
})  # fmt: skip
# In one of 1 MiB there can be 65,535 messages, or names of messages, each of which takes 20 µs.
_MOST_OF_A_BIND = 32 << 10
# Their numbers are swapped, and their frame is copied, which takes 1 ms for 1 MiB.
_MOST_OF_A_COPY = 16 << 20
_MOST_OF_TYPE = {
    "BIND": _MOST_OF_A_BIND, "GET_BIND": _MOST_OF_A_BIND, "STT_BIND": _MOST_OF_A_BIND,
    "NDARRAY": _MOST_OF_A_COPY, "VIDEO": _MOST_OF_A_COPY,
}  # fmt: skip

# A message that fits is read from the shared buffer, where many messages arrive at once.
_SHARED_BUFFER_SIZE = 64 << 10
_LARGEST_SHARED_BODY = _SHARED_BUFFER_SIZE - HEADER_SIZE
# Few enough bytes that they are still in the processor's cache when the checksum reads them.
_LARGEST_PIECE = 256 << 10
# Of float64, the largest pixel. Where a body begins, so that its pixels are aligned.
_PIXEL_ALIGNMENT = 8


class Rejected(NamedTuple):
    """A message that could not be read, and why. The stream goes on with the next one."""

    header: Header
    error: DecodeError


class Progress(NamedTuple):
    """How much of the message that is arriving is there. Sizes in bytes, of the body."""

    header: Header
    received: int

    @property
    def body_size(self) -> int:
        """The size of the whole body."""
        return self.header.body_size


class Receiver:
    """Cuts a stream of bytes into messages.

    Bodies larger than ``max_body_size`` are rejected by their header, before any memory is
    allocated, and passed over. An image takes its own bytes and no more; a message of texts or
    cells may take up to ten times its bytes (``Testing/hostile/test_memory.py``). Who receives from
    strangers sets a lower limit. ``max_parsed_size`` is the limit of those that take time to read,
    as all of their content is decoded or copied: texts, queries, cells, tracking data. None is no
    other limit; at 1 MiB none takes 50 ms. Arrays and frames of a video may then have 16 MiB.
    ``check_crc=False`` leaves the checksums unread; ``accept_missing_crc`` only those that are 0,
    for senders that compute none.
    ``bytes_received`` counts all bytes so far.
    """

    def __init__(
        self,
        max_body_size: int = DEFAULT_MAX_BODY_SIZE,
        check_crc: bool = True,
        accept_missing_crc: bool = False,
        max_parsed_size: int | None = None,
    ) -> None:
        self._max_body_size = max_body_size
        self._max_parsed_size = max_parsed_size
        # Most messages are smaller than all limits: what they are need not be looked up.
        self._smallest_limit = min(max_body_size, max_parsed_size or max_body_size, _MOST_OF_A_BIND)
        self._check_crc = check_crc
        self._accept_missing_crc = accept_missing_crc
        self._shared_memory = bytearray(_SHARED_BUFFER_SIZE)
        self._shared = memoryview(self._shared_memory)
        self._start = 0  # of the bytes in the shared buffer that no message has taken yet
        self._end = 0
        self._large: _LargeBody | None = None
        self._spare: np.ndarray | None = None
        self._to_skip = 0
        self.bytes_received = 0

    @property
    def progress(self) -> Progress | None:
        """The message that is arriving, or None between messages."""
        if self._large is not None:
            return Progress(self._large.header, self._large.received)
        waiting = self._end - self._start
        if waiting < HEADER_SIZE:
            return None
        return Progress(Header.unpack(self._shared, self._start), waiting - HEADER_SIZE)

    @property
    def is_between_messages(self) -> bool:
        """Whether the stream can end here without cutting a message."""
        return self._large is None and self._start == self._end and not self._to_skip

    @property
    def is_passing_over(self) -> bool:
        """Whether the rest of a message that nobody wants is still to come."""
        return self._to_skip > 0

    def get_buffer(self) -> memoryview:
        """Return where to put the next bytes: writable, never empty."""
        if self._large is not None:
            return self._large.free_space()
        if self._start and self._end == len(self._shared):
            waiting = bytes(self._shared[self._start : self._end])
            self._shared[: len(waiting)] = waiting
            self._start, self._end = 0, len(waiting)
        return self._shared[self._end :]

    def buffer_updated(self, byte_count: int) -> list[Message | Rejected]:
        """Handle ``byte_count`` bytes that were put into the buffer; return what they complete."""
        self.bytes_received += byte_count
        if self._large is not None:
            self._large.grow(byte_count)
            return self._finish_large_body()
        self._end += byte_count
        events = []
        while (event := self._next_event()) is not None:
            events.append(event)
        if self._start == self._end:
            self._start = self._end = 0
        return events

    def discard(self) -> bool:
        """Pass over the rest of the large message that is arriving; nothing is returned for it.

        Returns whether there was one. Small messages are not worth the trouble.
        """
        if self._large is None:
            return False
        self._to_skip = self._large.header.body_size - self._large.received
        self._large = None
        return True

    def reuse(self, body: Buffer | None) -> None:
        """Receive the next large message into the memory of one that nobody uses any more.

        To get memory from the system takes as long as to receive into it. None: keep none.
        """
        self._spare = None
        memory = None if body is None else memoryview(body).obj
        if isinstance(memory, np.ndarray) and memory.dtype == np.uint8 and memory.ndim == 1:
            self._spare = memory

    def _memory(self, size: int) -> np.ndarray:
        spare, self._spare = self._spare, None
        if spare is not None and size <= spare.size <= 2 * size:
            return spare
        return np.empty(size, np.uint8)

    def _next_event(self) -> Message | Rejected | None:
        """Return the next event from the shared buffer, or None if more bytes are needed."""
        if self._to_skip:
            self._skip()
        body_begin = self._start + HEADER_SIZE
        if body_begin > self._end:
            return None
        header = Header.unpack(self._shared, self._start)
        body_size = header.body_size
        is_too_large = body_size > self._smallest_limit and body_size > self._limit(header)
        if is_too_large or header.version not in KNOWN_VERSIONS:
            return self._pass_over(header, self._refusal(header))
        if body_size > _LARGEST_SHARED_BODY:
            return self._begin_large_body(header, self._shared[body_begin : self._end])
        body_end = body_begin + body_size
        if body_end > self._end:
            return None
        self._start = body_end
        # The shared buffer is filled again: the message gets bytes of its own.
        body = memoryview(self._shared_memory[body_begin:body_end])
        if self._check_crc and (crc := crc64(body)) != header.crc and self._is_checked(header):
            return Rejected(header, wrong_checksum(header, crc))
        try:
            return unpack_body(header, body)
        except DecodeError as error:
            return _rejected(header, error)

    def _is_checked(self, header: Header) -> bool:
        return self._check_crc and (header.crc != 0 or not self._accept_missing_crc)

    def _limit(self, header: Header) -> int:
        """Return how many bytes the body of a message may have."""
        if self._max_parsed_size is None or not _is_parsed(header.type_name):
            return self._max_body_size
        limit = _MOST_OF_TYPE.get(header.type_name, self._max_parsed_size)
        return min(limit, self._max_body_size)

    def _refusal(self, header: Header) -> DecodeError:
        if header.body_size > (limit := self._limit(header)):
            words = f"claims a body of {header.body_size} bytes; the limit is {limit}"
            if limit < self._max_body_size:
                return ParsedSizeError(f"{describe(header)} {words} for messages of its type")
            return BodySizeError(f"{describe(header)} {words}")
        return unknown_version(header)

    def _pass_over(self, header: Header, error: DecodeError) -> Rejected:
        self._start += HEADER_SIZE
        self._to_skip = header.body_size
        return Rejected(header, error)

    def _skip(self) -> None:
        skipped = min(self._to_skip, self._end - self._start)
        self._to_skip -= skipped
        self._start += skipped

    def _begin_large_body(self, header: Header, beginning: memoryview) -> Rejected | None:
        # The size of the extended header, in the first two bytes, says where the pixels begin.
        if len(beginning) < 2:
            return None
        try:
            self._large = _LargeBody(header, beginning, self._is_checked(header), self._memory)
        except (MemoryError, ValueError):  # numpy's ValueError is for what no machine could hold
            return self._pass_over(header, _no_memory(header))
        self._start = self._end = 0
        return None

    def _finish_large_body(self) -> list[Message | Rejected]:
        large = self._large
        if large is None or large.received < large.header.body_size:
            return []
        self._large = None
        return [large.read()]


class _LargeBody:
    """The body of one message that does not fit the shared buffer."""

    def __init__(
        self,
        header: Header,
        beginning: memoryview,
        check_crc: bool,
        find_memory: Callable[[int], np.ndarray],
    ) -> None:
        self.header = header
        self.received = 0
        self._crc = Crc64() if check_crc else None
        content_begin = int.from_bytes(beginning[:2], "big") if header.version == 2 else 0
        padding = -(content_begin + IMAGE_HEADER_SIZE) % _PIXEL_ALIGNMENT
        memory = find_memory(padding + header.body_size)
        self.body = memoryview(memory)[padding : padding + header.body_size]
        self._pixel_swap: PixelSwap | None = None
        if registered_class(header.type_name) is ImageMessage:
            self._pixel_swap = PixelSwap(self.body, content_begin)
        self.body[: len(beginning)] = beginning
        self.grow(len(beginning))

    def free_space(self) -> memoryview:
        """Return where the next bytes belong."""
        return self.body[self.received : self.received + _LARGEST_PIECE]

    def grow(self, byte_count: int) -> None:
        """Handle the next bytes, which are in their place already."""
        if self._crc is not None:
            self._crc.update(self.body[self.received : self.received + byte_count])
        self.received += byte_count
        if self._pixel_swap is not None:
            self._pixel_swap.update(self.received)

    def read(self) -> Message | Rejected:
        """Return the message, when the body is whole."""
        if self._crc is not None and (crc := self._crc.crc()) != self.header.crc:
            return Rejected(self.header, wrong_checksum(self.header, crc))
        try:
            if self._pixel_swap is None:
                return unpack_body(self.header, self.body)
            return unpack_body(self.header, self.body, are_pixels_native=True)
        except DecodeError as error:
            return _rejected(self.header, error)
        except MemoryError:  # some types are copied: texts, the frame of a video
            return Rejected(self.header, _no_memory(self.header))


def _rejected(header: Header, error: DecodeError) -> Rejected:
    """Return why a body cannot be read, without what would keep it in memory.

    A traceback holds the frames in which it was read, and these hold the body.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return Rejected(header, error)


def _is_parsed(type_name: str) -> bool:
    """Whether a body of this type takes the longer to read the larger it is."""
    if type_name in _READ_AT_ONCE:
        return False
    return registered_class(type_name) is not None or query_class(type_name) is not None


def _no_memory(header: Header) -> BodyMemoryError:
    return BodyMemoryError(f"no memory for {header.body_size} bytes of {describe(header)}")
