"""An image, or a box of it, of which the voxels come in parts."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ... import codec
from ...codec.messages.image_part import ARRIVING, FROM_ABOVE, FROM_BELOW
from ...codec.pieces import pieces
from ..errors import AnswerError

Size = tuple[int, int, int]

# Of voxels that are written before somebody looks at the clock: about 1 ms, 3 of new memory.
_PIECE = 1 << 20


@dataclass(frozen=True)
class Box:
    """The first voxel and the number of voxels along i, j, k."""

    start: Size
    size: Size


class PartialImage:
    """The voxels of a box of an image: all parts are of the version of the ``first`` one.

    ``pixels`` has shape (k, j, i) or (k, j, i, components). The voxels of ``first``, which come
    from the whole image, stand for others at first, see ``fill``; slabs, which are slices of the
    box, are written over that. One slice can have hundreds of MB: both go on in pieces.
    Raises ``AnswerError`` for a box that needs more memory than an image may have.
    """

    def __init__(self, first: codec.ImagePartMessage, box: Box, most_bytes: int) -> None:
        metadata = dict(first.metadata)
        order = metadata.pop(ARRIVING, "")
        self.first = replace(first, metadata=metadata)
        self.box = box
        i, j, k = box.size
        dtype = first.scalar_type.dtype
        self.byte_count = math.prod(box.size) * first.components * dtype.itemsize
        if self.byte_count > most_bytes or not self.byte_count:
            raise AnswerError(
                f"{box.size} voxels, which are {self.byte_count} bytes, cannot be loaded; "
                f"the limit is {most_bytes} bytes; allow larger images",
                "max_body_size",
            )
        shape = (k, j, i) if first.components == 1 else (k, j, i, first.components)
        self.pixels = np.empty(shape, dtype)
        self._are_real = np.zeros(k, bool)
        self._are_filled = np.zeros(k, bool)
        self._are_here = np.zeros(k, bool)  # real, or about to be written
        self._writing: deque[Iterator[None]] = deque()  # a slab each
        self._filling: tuple[int, Iterator[None]] | None = None  # a slice
        self._coarse = first.voxels()
        self.is_arriving = bool(order)
        """Whether the server itself had not all slices when the first part was sent."""
        self._slabs = _Slabs(k, order)

    @property
    def slice_bytes(self) -> int:
        """Bytes of one slice of the box: no slab is smaller."""
        return self.byte_count // len(self._are_real)

    @property
    def fraction(self) -> float:
        """How much of the image is real, from 0 to 1."""
        return float(self._are_real.mean())

    @property
    def is_whole(self) -> bool:
        """Whether all voxels have come."""
        return bool(self._are_real.all())

    @property
    def is_filled(self) -> bool:
        """Whether each voxel has come, or stands for one that has not."""
        return bool((self._are_real | self._are_filled).all())

    @property
    def slabs_to_write(self) -> int:
        """How many slabs have come that are not written whole."""
        return len(self._writing)

    @property
    def is_all_here(self) -> bool:
        """Whether all voxels have come, be they written or not."""
        return bool(self._are_here.all())

    # Parts

    def fill(self, seconds: float) -> None:
        """Let the nearest voxel of the coarse image stand for those that have not come.

        Goes on for about ``seconds``.
        """
        end = time.monotonic() + seconds
        # What comes is written to its own place: nothing stands for it any more.
        while (missing := np.flatnonzero(~(self._are_here | self._are_filled))).size:
            if self._filling is None or self._filling[0] != missing[0]:
                self._filling = missing[0], self._fill_slice(missing[0])
            for _ in self._filling[1]:
                if time.monotonic() >= end:
                    return
            self._filling = None

    def _fill_slice(self, k: int) -> Iterator[None]:
        i_step, j_step, k_step = self.first.stride
        counts = self._coarse.shape
        plane = self._coarse[min((k + k_step // 2) // k_step, counts[0] - 1)]
        rows = _nearest(self.pixels.shape[1], j_step, counts[1])
        columns = _nearest(self.pixels.shape[2], i_step, counts[2])
        target = self.pixels[k]
        for piece in pieces(target, _PIECE):
            some_rows = np.atleast_1d(rows[piece[0]])
            some_columns = columns[piece[1]] if len(piece) > 1 else columns
            # Columns first: of few rows.
            few = plane[some_rows[0] : some_rows[-1] + 1].take(some_columns, axis=1)
            target[piece] = few.take(some_rows - some_rows[0], axis=0)
            yield
        self._are_filled[k] = True

    def next_slab(self, most_bytes: int) -> Box | None:
        """Return where the next part to ask for lies; None after the last.

        The middle comes first, unless the server says in which order it has them.
        """
        most_slices = max(1, most_bytes * len(self._are_real) // self.byte_count)
        slab = self._slabs.next(most_slices)
        return None if slab is None else self._box_of(*slab)

    def put_back(self, slab: Box) -> None:
        """Ask for a slab once more: it will not come."""
        self._slabs.put_back(slab.start[2] - self.box.start[2], slab.size[2])

    def write(self, part: codec.ImagePartMessage) -> None:
        """Let ``write_some`` write a slab into its place.

        Raises ``AnswerError`` if it is of another image, ``DecodeError`` if it cannot be read.
        """
        self._check(part)
        first = part.start[2] - self.box.start[2]
        place = slice(first, first + part.size[2])
        self._writing.append(self._write(place, part.voxels_as_sent()))
        self._are_here[place] = True

    def write_some(self, seconds: float) -> None:
        """Go on writing what has come, for about ``seconds``."""
        end = time.monotonic() + seconds
        while self._writing:
            for _ in self._writing[0]:
                if time.monotonic() >= end:
                    return
            self._writing.popleft()

    def _write(self, place: slice, voxels: np.ndarray) -> Iterator[None]:
        target = self.pixels[place]
        for piece in pieces(target, _PIECE):
            target[piece] = voxels[piece]
            yield
        self._are_real[place] = True

    def _check(self, part: codec.ImagePartMessage) -> None:
        first = self.first
        first_slice = part.start[2] - self.box.start[2]
        expected = self._box_of(first_slice, part.size[2])
        is_inside = first_slice >= 0 and first_slice + part.size[2] <= len(self._are_real)
        is_slab = is_inside and Box(tuple(part.start), tuple(part.size)) == expected
        if not is_slab or tuple(part.stride) != (1, 1, 1):
            raise AnswerError("a part came that was not asked for")
        if not part.is_of_same_image(first):
            raise AnswerError("its parts do not belong to one image")

    def _box_of(self, first_slice: int, count: int) -> Box:
        i, j, k = self.box.start
        return Box((i, j, k + first_slice), (*self.box.size[:2], count))

    # What is there

    def coarse_image(self) -> codec.ImageMessage:
        """Return the first part, every ``stride``th voxel, as an image of its own."""
        return grid_image(self.first, self._coarse, self.first.start, self.first.stride)

    def image(self) -> codec.ImageMessage:
        """Return what is there as an image of its own: that of the box, not copied."""
        return grid_image(self.first, self.pixels, self.box.start, (1, 1, 1))


class _Slabs:
    """Which slices of a stack are to be asked for: from the middle outwards.

    Or from an end, if the server says that it has those slices first.
    """

    def __init__(self, count: int, order: str) -> None:
        self._count = count
        # What is below, and what begins above: what lies between them was asked for.
        begin = {FROM_BELOW: 0, FROM_ABOVE: count}.get(order, count // 2)
        self._below = self._above = begin
        self._put_back: list[tuple[int, int]] = []

    def next(self, most: int) -> tuple[int, int] | None:
        if self._put_back:
            return self._put_back.pop(0)
        below, above = self._below, self._count - self._above
        if not below and not above:
            return None
        if above >= below:
            count = min(most, above)
            self._above += count
            return self._above - count, count
        count = min(most, below)
        self._below -= count
        return self._below, count

    def put_back(self, first: int, count: int) -> None:
        self._put_back.append((first, count))


def grid_image(
    part: codec.ImagePartMessage, pixels: np.ndarray, start: Size, stride: Size
) -> codec.ImageMessage:
    """Return pixels of shape (k, j, i, …), which lie at start + n · stride, as an image.

    Its geometry is that of the image that ``part`` is of, in the coordinates of the message.
    """
    axes = part.matrix[:, :3] * stride
    center = np.array(start) + (np.array(pixels.shape[2::-1]) - 1) / 2 * stride
    offset = center - (np.array(part.image_size) - 1) / 2
    return codec.ImageMessage(
        pixels,
        np.column_stack([axes, part.matrix[:, 3] + part.matrix[:, :3] @ offset]),
        part.coordinates,
        device_name=part.device_name,
        timestamp=part.timestamp,
        header_version=part.header_version,
        metadata=part.metadata,
    )


def coarse_stride(size: Size, least_ratio: int) -> Size:
    """Return a stride that leaves at most one of ``least_ratio`` voxels, about equally many a side.

    ``size`` is that of the image, along i, j, k.
    """
    stride = [1, 1, 1]
    while math.prod(stride) < least_ratio:
        counts = [count / step for count, step in zip(size, stride, strict=True)]
        axis = counts.index(max(counts))
        stride[axis] += 1
    return stride[0], stride[1], stride[2]


def _nearest(count: int, step: int, coarse_count: int) -> np.ndarray:
    """Return for each voxel along an axis the index of the coarse voxel that is nearest."""
    return np.minimum((np.arange(count) + step // 2) // step, coarse_count - 1)
