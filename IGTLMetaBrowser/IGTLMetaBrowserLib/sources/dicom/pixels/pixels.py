"""Pixels of DICOM frames: read or decoded, rescaled, and in the smallest type that holds them.

Uncompressed pixels are read at the offset that the index knows, straight into the volume, and
rescaled there; all others are decoded by pydicom and what is installed beside it.
"""

from __future__ import annotations

import io
import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby, tee
from pathlib import Path

import numpy as np

from ....dicom_index.headers.buffer_file import Contents
from ....dicom_index.headers.grids import TILES
from ....dicom_index.headers.image_header import ImageHeader
from ....dicom_index.rows import ImageFile
from ....net.source import SourceError
from ....turns import at_once
from ..files import Frame, frames_of
from ..volumes.pixel_sizes import pixel_size
from ..volumes.stacks import Stack
from .decoding import FRAMES_A_TASK, Decoders, decode_frames
from .pixels_in_place import PixelsInPlace, are_read_alike, pixels_in_place
from .stored_pixels import check_unchanged, cut_tiles, open_unchanged, read_into, stored_dtype
from .values import aligned, is_color, known_range, listed_dtype, rescale_of, smallest_dtype

_PIXELS_AT_ONCE = 16 << 20


class VolumeReading:
    """Reads a stack step by step. ``volume`` is whole when ``steps`` has come to its end.

    It has the shape (k, j, i), or (k, j, i, 3) of uint8 for colors. Rescale slope and intercept are
    applied; MONOCHROME1 (low is bright) is left as it is stored. The type is ``listed_dtype``, or a
    larger one if the values turn out not to fit it.

    ``decoders`` are the processes that decode; without them, this one does. ``contents`` are the
    bytes of files that are in memory, by their names; what has to be decoded must be in the folder.
    ``memory`` (uint8) becomes that of ``volume`` if it is just as large.
    """

    def __init__(
        self,
        stack: Stack,
        folder: Path,
        decoders: Decoders | None = None,
        contents: Contents | None = None,
        memory: np.ndarray | None = None,
    ) -> None:
        columns, rows, count = stack.size
        self._shape = (rows, columns, 3) if is_color(stack) else (rows, columns)
        self.stack = stack
        self._folder = folder
        self._decoders = decoders
        self._contents: Contents = {} if contents is None else contents
        self.volume = _make_volume(stack, (count, *self._shape), memory)
        self._planes = stack.planes or range(count)
        self._is_there = np.ones(count, bool)
        self._is_there[list(self._planes)] = False
        # How pixels that are received into the volume are rescaled; and of which header that is.
        self._in_place: PixelsInPlace | None = None
        self._in_place_header: ImageHeader | None = None
        self._wanted: deque[int] = deque()
        self._may_wait = False
        # Whether the next step does no more than look whether the processes are done with it.
        self.is_pending = False

    def finish(self) -> None:
        """Read all; wait for what is decoded elsewhere. Raises ``SourceError``."""
        self._may_wait = True
        at_once(self.steps())

    @property
    def is_whole(self) -> bool:
        """Whether all voxels are in the volume."""
        return bool(self._is_there.all())

    @property
    def is_begun(self) -> bool:
        """Whether voxels of any slice are in the volume."""
        return bool(self._is_there[list(self._planes)].any())

    def has(self, slices: range) -> bool:
        """Whether the voxels of these slices (k) are in the volume."""
        return bool(self._is_there[slices.start : slices.stop : slices.step].all())

    def want(self, slices: range) -> None:
        """Have these slices (k) decoded before the others, as far as that is not begun."""
        self._wanted = deque(k for k in slices if not self._is_there[k])

    def steps(self) -> Iterator[int]:
        """Read; yield after some frames how many there are. Raises ``SourceError``."""
        if self._is_for_processes():
            yield from self._steps_in_processes()
            return
        done = 0
        for _, found in groupby(self.stack.frames, key=lambda frame: frame.file.name):
            frames = [*found]
            file = frames[0].file
            for k, pixels in enumerate(self._frames(file, frames, done), start=done):
                self._store(k, pixels, frames[k - done])
                yield k + 1
            done += len(frames)

    def read_frame(self, k: int, frame: Frame) -> None:
        """Read one slice (k) of a stack without empty slices. Raises ``SourceError``."""
        for pixels in self._frames(frame.file, [frame], k):
            self._store(k, pixels, frame)

    def read_in_place(self, k: int, frame: Frame, place: np.ndarray) -> int | None:
        """Have the stored pixels that lie in ``place``, slice k of ``volume``, be what they mean.

        Return what was added to each. None: they cannot stay, and nothing is changed; another type
        would be needed, or more than to add an integer.
        """
        header = frame.file.header
        if self._in_place_header is None or not are_read_alike(header, self._in_place_header):
            self._in_place_header = header
            self._in_place = pixels_in_place(frame, self.volume.dtype)
        is_here = np.may_share_memory(place, self.volume)
        if not is_here or self._in_place is None or not self._in_place.rescale(place):
            return None
        self._is_there[self._planes[k]] = True
        return self._in_place.added

    def _is_for_processes(self) -> bool:
        header = self.stack.frames[0].file.header
        return self._decoders is not None and stored_dtype(header) is None

    def _steps_in_processes(self) -> Iterator[int]:
        assert self._decoders is not None
        done = 0
        parts, ahead = tee(self._parts())
        futures = self._decoders.decode((path, indices) for path, indices, _, _ in ahead)
        for (_, _, first, frames), future in zip(parts, futures, strict=True):
            while not (future.done() or self._may_wait):
                self.is_pending = True
                yield done
            self.is_pending = False
            pictures = self._cut_tiles(self._decoders.frames_of(future), frames)
            open_unchanged(self._folder, frames[0].file).close()
            for k, (frame, pixels) in enumerate(zip(frames, pictures, strict=True), start=first):
                self._check_shape(pixels, frame.file)
                self._store(k, pixels, frame)
                done += 1
                yield done

    def _parts(self) -> Iterator[tuple[Path, list[int], int, list[Frame]]]:
        """Yield what is decoded together: a file, its frames' numbers there, and what they become.

        That are frames of the stack, the first of which has the number that comes before them. What
        is wanted comes first. A file is looked at when its turn has come: there may be thousands.
        """
        left = dict(self._tasks())
        task_of = {
            self._planes[number]: first
            for first, frames in left.items()
            for number in range(first, first + len(frames))
        }
        while left:
            first = next(iter(left))
            while self._wanted:
                wanted = task_of.get(self._wanted.popleft())
                if wanted in left:
                    first = wanted
                    break
            frames = left.pop(first)
            file = frames[0].file
            open_unchanged(self._folder, file).close()
            is_tiled = TILES in file.header.shared
            indices = [0] if is_tiled else [frame.index for frame in frames]
            yield self._folder / file.name, indices, first, frames

    def _tasks(self) -> Iterator[tuple[int, list[Frame]]]:
        """Yield the frames that are decoded together, and the number of the first in the stack."""
        number = 0
        for _, found in groupby(self.stack.frames, key=lambda frame: frame.file.name):
            frames = [*found]
            is_tiled = TILES in frames[0].file.header.shared
            for start in range(0, len(frames), len(frames) if is_tiled else FRAMES_A_TASK):
                part = frames[start : start + (len(frames) if is_tiled else FRAMES_A_TASK)]
                yield number + start, part
            number += len(frames)

    def _cut_tiles(self, pictures: list[np.ndarray], frames: list[Frame]) -> Iterable[np.ndarray]:
        """Return frames of what was decoded: the pictures, or the tiles of the one."""
        header = frames[0].file.header
        if TILES not in header.shared:
            return pictures
        across = int(header.get(TILES).partition("\\")[0])
        return cut_tiles(pictures[0], frames, across, *self._shape[:2])

    def _frames(self, file: ImageFile, frames: list[Frame], start: int) -> Iterator[np.ndarray]:
        """Yield the stored pixels of some frames of a file, the first of which is number ``start``.

        They are read into the volume itself, if that has room for them.
        """
        stored = stored_dtype(file.header)
        if stored is None:
            yield from self._decoded(file, frames)
            return
        with open_unchanged(self._folder, file, self._contents) as opened:
            if TILES in file.header.shared:
                yield from self._tiles(opened, file, frames, stored)
            else:
                for k, frame in enumerate(frames, start=start):
                    pixels = self._room_for(stored, k)
                    read_into(pixels, opened, file, frame.index * pixels.nbytes)
                    yield pixels
            check_unchanged(opened, file)

    def _room_for(self, stored: np.dtype, k: int) -> np.ndarray:
        """Return where the stored pixels of a frame can be read to."""
        target = self.volume[self._planes[k]]
        is_alike = stored.isnative and stored.itemsize == target.itemsize
        if is_alike and stored.kind in "iu" and target.dtype.kind in "iu":
            return target.view(stored)
        return np.empty(self._shape, stored)

    def _tiles(
        self, opened: io.RawIOBase, file: ImageFile, frames: list[Frame], stored: np.dtype
    ) -> Iterator[np.ndarray]:
        across, down = map(int, file.header.get(TILES).split("\\"))
        rows, columns = self._shape[:2]
        picture = np.empty((rows * down, columns * across), stored)
        read_into(picture, opened, file, 0)
        yield from cut_tiles(picture, frames, across, rows, columns)

    def _decoded(self, file: ImageFile, frames: list[Frame]) -> Iterator[np.ndarray]:
        open_unchanged(self._folder, file).close()
        path = self._folder / file.name
        if TILES in file.header.shared:
            yield from self._cut_tiles([*decode_frames(path, [0])], frames)
            return
        for pixels in decode_frames(path, [frame.index for frame in frames]):
            self._check_shape(pixels, file)
            yield pixels
        open_unchanged(self._folder, file).close()

    def _check_shape(self, pixels: np.ndarray, file: ImageFile) -> None:
        if pixels.shape != self._shape:
            raise SourceError(
                f"{file.name!r} holds pixels of the shape {pixels.shape}, its header says "
                f"{self._shape}. The file may be damaged; get it again from its archive."
            )

    def _store(self, k: int, pixels: np.ndarray, frame: Frame) -> None:
        """Put the stored pixels of a frame into the volume, as what they mean."""
        self._is_there[self._planes[k]] = True  # in the same step
        if is_color(self.stack):
            self.volume[self._planes[k]] = pixels
            return
        ends = None
        slope, intercept = rescale_of(frame)
        if frame.get("ModalityLUTSequence"):  # what it says has bits of its own
            slope, intercept = 1.0, 0.0
        elif pixels.dtype.kind in "iu":
            if stored_dtype(frame.file.header) is not None:
                pixels = aligned(pixels, frame)
            ends = known_range(pixels, frame)
        if ends is None or not self._has_room(ends, slope, intercept):
            self._make_room(pixels, slope, intercept)
        target = self.volume[self._planes[k]]
        number = float if target.dtype.kind == "f" else int
        if not np.may_share_memory(pixels, target):
            target[...] = pixels
        # Integers in the volume wrap around until they are rescaled: in the end they all fit.
        if slope != 1.0:
            target *= np.array(number(slope)).astype(target.dtype)
        if intercept != 0.0:
            target += np.array(number(intercept)).astype(target.dtype)

    def _has_room(self, ends: tuple[int, int], slope: float, intercept: float) -> bool:
        limits = np.iinfo(self.volume.dtype) if self.volume.dtype.kind != "f" else None
        if limits is not None and not (slope.is_integer() and intercept.is_integer()):
            return False  # as of a series of which only the first slices are known
        rescaled = [slope * end + intercept for end in ends]
        return limits is None or (limits.min <= min(rescaled) and max(rescaled) <= limits.max)

    def _make_room(self, pixels: np.ndarray, slope: float, intercept: float) -> None:
        """Have the volume be of a type that holds these pixels when they are rescaled."""
        dtype = self.volume.dtype
        if dtype.kind == "f":
            return
        ends = [slope * float(end) + intercept for end in (pixels.min(), pixels.max())]
        limits = np.iinfo(dtype)
        are_whole = pixels.dtype.kind in "iu" and slope.is_integer() and intercept.is_integer()
        if are_whole and limits.min <= min(ends) and max(ends) <= limits.max:
            return
        larger = smallest_dtype([*ends, limits.min, limits.max])
        self.volume = self.volume.astype(larger if are_whole else np.float32)
        self._in_place_header = None


def _make_volume(stack: Stack, shape: tuple[int, ...], memory: np.ndarray | None) -> np.ndarray:
    dtype = listed_dtype(stack)
    if stack.planes:  # planes without a frame are empty
        return np.zeros(shape, dtype)
    if memory is not None and memory.nbytes == math.prod(shape) * dtype.itemsize:
        return memory.view(dtype).reshape(shape)
    return np.empty(shape, dtype)


@dataclass(frozen=True)
class PixelDigests:
    """What frames or files have in common only if their pixels are the same.

    They lie in ``folder``; ``contents`` and ``decoders`` are those of ``VolumeReading``. What
    cannot be read has an empty one.
    """

    folder: Path
    contents: Contents | None = None
    decoders: Decoders | None = None

    def of_frame(self, frame: Frame) -> bytes:
        """Return the digest of a frame."""
        try:
            return self._of_frames([frame])
        except SourceError:
            return b""

    def of_file(self, file: ImageFile) -> bytes:
        """Return the digest of all frames of a file; its header is to be compared as well."""
        digest = blake2b(digest_size=16)
        frames = [*frames_of(file)]
        try:
            a_frame = int(file.header.get("Rows")) * int(file.header.get("Columns"))
            step = max(1, _PIXELS_AT_ONCE // a_frame)
            for start in range(0, len(frames), step):
                digest.update(self._of_frames(frames[start : start + step]))
        # A header of no sense, too.
        except (SourceError, ArithmeticError, AttributeError, TypeError, ValueError):
            return b""
        return digest.digest()

    def _of_frames(self, frames: list[Frame]) -> bytes:
        first = frames[0]
        stack = Stack(tuple(frames), np.eye(4), "image", pixel_size(first))
        reading = VolumeReading(stack, self.folder, self.decoders, self.contents)
        reading.finish()
        return blake2b(reading.volume.data, digest_size=16).digest()
