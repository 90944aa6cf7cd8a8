"""IMAGE, sent while its voxels still come, though its header has the checksum of all of them.

A checksum is promised before they are known. The last metadata value of the body is a filler of
letters, chosen at the end so that the body has just that: a CRC is linear, so that each bit of the
filler changes it in a way of its own. Who receives it checks it as any other.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .crc64 import crc64
from .errors import EncodeError
from .framing import pack_around
from .header import Header
from .messages.image import ImageMessage
from .wire import Buffer

FILLER = "ChecksumFiller"
"""The key of the metadata value that makes a body have the checksum that its header promises."""

# Four bits of each letter from @ to O can be chosen, 64 are needed. Of 16 letters, two bits would
# change the checksum in the same way.
_SIZE = 17
_FIRST_LETTER = 0x40
_BITS = 4
# A CRC of 0 counts as none (``igtl_header``).
_PROMISED_IF_NONE = 1


class GrowingContent:
    """The bytes of ``message``, whose pixels are filled slice by slice, from the first k on.

    Header version 2 is needed, as that has metadata. Nothing is copied. Raises ``EncodeError``.
    """

    def __init__(self, message: ImageMessage, device_name: str, message_id: int) -> None:
        metadata = {**message.metadata, FILLER: "@" * _SIZE}
        before, after = pack_around("IMAGE", device_name, 2, message_id, metadata)
        head, pixels = message.pack_content()
        self._message, self._pixels = message, memoryview(pixels)
        self._pixels_size = len(pixels)
        self._slice_size = len(pixels) // max(1, len(message.pixels))
        if not self._slice_size:
            raise EncodeError(f"IMAGE {device_name!r} has no voxels")
        if not np.may_share_memory(np.frombuffer(pixels, np.uint8), message.pixels):
            raise EncodeError(
                f"the voxels of IMAGE {device_name!r} are not as they are sent: pack it whole"
            )
        self._end = b"".join(after)[:-_SIZE]
        start = b"".join([*before, head])
        self._promised = crc64(start) or _PROMISED_IF_NONE
        self._crc = crc64(start)
        size = len(start) + len(pixels) + len(self._end) + _SIZE
        header = Header(2, "IMAGE", device_name, message.timestamp, size, self._promised)
        self._begin: list[Buffer] = [header.pack(), start]
        self._position = 0

    @property
    def is_done(self) -> bool:
        """Whether ``parts`` has returned all bytes of the message."""
        return not self.left

    @property
    def left(self) -> int:
        """Bytes of pixels that ``parts`` has not returned yet."""
        return self._pixels_size - self._position

    def parts(self, message: ImageMessage, slices: int, most: int) -> list[Buffer]:
        """Return the next bytes, about ``most``; of the pixels, those of the first ``slices``.

        They are of ``message``, which is like the first but for pixels that were not asked for.
        """
        if message is not self._message:
            self._message, self._pixels = message, memoryview(message.pack_content()[1])
        end = min(slices * self._slice_size, self._pixels_size, self._position + most)
        piece = self._pixels[self._position : end]
        if not piece:
            return []
        self._crc = crc64(piece, self._crc)
        self._position = end
        parts, self._begin = [*self._begin, piece], []
        if self.is_done:
            crc = crc64(self._end, self._crc)
            parts += [self._end, filler(crc, self._promised)]
        return parts


def filler(crc: int, wanted: int) -> bytes:
    """Return the letters that change the CRC of what comes before them into ``wanted``."""
    letters = int.from_bytes(bytes([_FIRST_LETTER]) * _SIZE, "big")
    missing = wanted ^ crc64(letters.to_bytes(_SIZE, "big"), crc)
    for highest, (change, bits) in sorted(_changes().items(), reverse=True):
        if missing >> highest & 1:
            missing ^= change
            letters ^= bits
    return letters.to_bytes(_SIZE, "big")


@cache
def _changes() -> dict[int, tuple[int, int]]:
    """Return by each bit of a CRC what changes that and lower ones: how, and by which bits.

    Found by Gaussian elimination over GF(2).
    """
    found: dict[int, tuple[int, int]] = {}
    for position in range(8 * _SIZE):
        bits = 1 << position
        change = crc64(bits.to_bytes(_SIZE, "big"))
        while position % 8 < _BITS and change:
            highest = change.bit_length() - 1
            if highest not in found:
                found[highest] = change, bits
                break
            change ^= found[highest][0]
            bits ^= found[highest][1]
    return found
