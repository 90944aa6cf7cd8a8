"""Decoding pixels with pydicom: compressed, in colors, through tables, or with odd bits.

``Decoders`` does so in worker processes, so that all cores are used: pydicom's decoders hold
Python's lock.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....dicom_index.headers.image_header import has_table
from ....file_version import FileVersion, version_of
from ....net.source import SourceError
from ....optional_packages import is_installed, requirement
from ....regular_file import opened
from ....system_errors import reason_of
from .bits import without_other_bits
from .codestreams import check_frames
from .lookup_tables import apply_modality_table, apply_palette

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pydicom import Dataset
    from pydicom.pixels.decoders.base import Decoder
    from pydicom.uid import UID

_logger = logging.getLogger(__name__)

_OTHER_DECODERS = "pylibjpeg pylibjpeg-openjpeg pyjpegls"

_LAST_TAG = 0x7FE00010  # PixelData
_DEFERRED = 1 << 20  # bytes: what is larger is read when it is needed

_JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
_JPEG_EXTENDED_ADVICE = (
    "JPEG Extended of 12 bits is read by pylibjpeg-libjpeg only, which is under the GPL: "
    "install it if you may"
)

# pydicom asks GDCM first, which has several threads decode a frame. This is of no use if each core
# has a process that decodes: then pylibjpeg takes a tenth less for JPEG 2000.
_FASTEST_OF_ONE_THREAD = {
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
}

# pydicom would take the lowest bits for those of the value, whatever HighBit says.
_OPTIONS = {"correct_unused_bits": False}

FRAMES_A_TASK = 8
_STEP_SECONDS = 0.1
_BROKEN = "a process that decodes pixels was ended, for want of memory perhaps; try again"

Task = tuple[Path, Sequence[int]]
"""A file, and which of its frames to decode (from 0)."""


class Decoders:
    """Worker processes that decode. They are spawned when they are first needed.

    For the thread that serves, and the one beside it. Not for use inside Slicer, whose executable
    is no Python. ``close`` ends them.
    """

    def __init__(self, jobs: int) -> None:
        from ....dicom_index.process_executor import ProcessExecutor

        self._jobs = jobs
        self._executor = ProcessExecutor(jobs)

    def start(self) -> None:
        """Have the processes ready, so that the first image need not wait for them."""
        for _ in range(self._jobs):
            self._executor.submit(_load_pydicom)

    def decode(
        self, tasks: Iterable[Task], are_labels: bool = False
    ) -> Iterator[Future[list[np.ndarray]]]:
        """Yield what will be the frames of each task, in their order; see ``frames_of``.

        While one task is decoded, another waits for each process; those of a caller that goes away
        are cancelled.
        """
        waiting: deque[Future[list[np.ndarray]]] = deque()
        try:
            for task in tasks:
                waiting.append(self._submit(*task, are_labels))
                if len(waiting) > 2 * self._jobs:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for future in waiting:
                future.cancel()

    def frames_of(self, future: Future[list[np.ndarray]]) -> list[np.ndarray]:
        """Return the frames of a task; wait for them. Raises ``SourceError``."""
        from concurrent.futures import BrokenExecutor, wait

        # In steps, between which whoever waits can be interrupted: see ``Background.close``.
        while not wait([future], _STEP_SECONDS).done:
            pass
        try:
            return future.result()
        except (BrokenExecutor, OSError) as error:  # or it could not be started
            raise SourceError(_BROKEN) from error

    def _submit(
        self, path: Path, indices: Sequence[int], are_labels: bool
    ) -> Future[list[np.ndarray]]:
        try:
            return self._executor.submit(_decode, path, indices, are_labels)
        except RuntimeError as error:  # they are closed
            raise SourceError(_BROKEN) from error

    def close(self) -> None:
        """End the processes, in the middle of what they decode: a decoder may never end."""
        self._executor.kill()


def decode_frames(path: Path, indices: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield frames of a file (from 0): shape (j, i), or (j, i, 3) of uint8 for colors.

    The file is parsed once. Tables (palette, modality LUT) are applied, the rescale is not. Raises
    ``SourceError``.
    """
    yield from _decode_dataset(_read(path), path, indices)


def decode_labels(
    path: Path, indices: Sequence[int], decoders: Decoders | None
) -> Iterator[np.ndarray]:
    """Yield frames of a segmentation as they are stored, shape (j, i): a palette is for display.

    With ``decoders``, processes decode them: one in which a decoder hangs can be ended. Raises
    ``SourceError``.
    """
    if decoders is None:
        yield from _decode_dataset(_read_labels(path), path, indices)
        return
    starts = range(0, len(indices), FRAMES_A_TASK)
    tasks = [(path, indices[start : start + FRAMES_A_TASK]) for start in starts]
    for future in decoders.decode(tasks, are_labels=True):
        yield from decoders.frames_of(future)


def _decode(path: Path, indices: Sequence[int], are_labels: bool) -> list[np.ndarray]:
    """Decode frames in a worker process; a file of many frames is parsed once in each process."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the log is the other process's
        try:
            version = version_of(path.stat())
        except OSError as error:  # it was removed since it was listed
            raise _unreadable(path, error) from error
        dataset = _read_again(path, version, are_labels)
        plugin = _FASTEST_OF_ONE_THREAD.get(dataset.file_meta.TransferSyntaxUID, "")
        return [*_decode_dataset(dataset, path, indices, plugin)]


@lru_cache(maxsize=1)
def _read_again(path: Path, version: FileVersion, are_labels: bool) -> Dataset:
    return _read_labels(path) if are_labels else _read(path)


def _read_labels(path: Path) -> Dataset:
    dataset = _read(path)
    dataset.PhotometricInterpretation = "MONOCHROME2"
    return dataset


def _decode_dataset(
    dataset: Dataset, path: Path, indices: Sequence[int], plugin: str = ""
) -> Iterator[np.ndarray]:
    try:
        for pixels in stored_frames(dataset, indices, plugin):
            yield _meaning(dataset, pixels)
    except Exception as error:  # decoders raise anything
        raise SourceError(_why_not_decoded(dataset, path, error)) from error


def stored_frames(
    dataset: Dataset, indices: Sequence[int], plugin: str = ""
) -> Iterator[np.ndarray]:
    """Yield frames as a decoder of pydicom's reads them; what that cannot, as any other does.

    Raises whatever the decoders raise.
    """
    from pydicom.pixels import iter_pixels

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        check_frames(dataset, indices)
    elif int(dataset.BitsAllocated) == 1 and syntax.is_little_endian:
        yield from _frames_of_bits(dataset, indices)
        return
    done = 0
    plugins = _decoder(syntax).available_plugins if syntax.is_encapsulated else ()
    if plugin in plugins:
        try:
            for pixels in iter_pixels(dataset, indices=indices, decoding_plugin=plugin, **_OPTIONS):
                yield pixels
                done += 1
            return
        except Exception as error:  # decoders raise anything; the others have their own reasons
            _logger.debug("%s cannot decode frame %d: %s", plugin, indices[done], error)
    yield from iter_pixels(dataset, indices=indices[done:], **_OPTIONS)


def _frames_of_bits(dataset: Dataset, indices: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield frames of 1 bit a pixel, which follow each other without a gap (PS3.5 8.1.1).

    pydicom (3.0) reads them one by one only if each begins with a byte.
    """
    shape = int(dataset.Rows), int(dataset.Columns)
    size, packed = shape[0] * shape[1], np.frombuffer(dataset.PixelData, np.uint8)
    for index in indices:
        first, shift = divmod(index * size, 8)
        part = packed[first : first + (shift + size + 7) // 8]
        bits = np.unpackbits(part, bitorder="little")[shift : shift + size]
        if len(bits) < size:
            raise ValueError(f"its pixel data end within frame {index + 1}")
        yield bits.reshape(shape)


def _load_pydicom() -> None:
    import pydicom.pixels  # noqa: F401


def why_not_decodable(transfer_syntax: str, bits_allocated: str = "", bits_stored: str = "") -> str:
    """Return why the pixels of a transfer syntax cannot be decoded here; empty if they can."""
    from pydicom.uid import UID

    syntax = UID(transfer_syntax)
    if not syntax.is_transfer_syntax:  # newer than pydicom, private, or none at all
        return f"its pixels cannot be decoded: nothing here reads {syntax}"
    if not syntax.is_compressed or syntax.is_deflated:
        return ""
    if bits_allocated == "1":
        return f"its pixels cannot be decoded: nothing here reads {syntax.name} of 1 bit"
    try:
        decoder = _decoder(syntax)
        if syntax == _JPEG_EXTENDED and bits_stored == "12":
            # Of the two that are left, GDCM and Pillow, none reads more than 8 bits.
            is_read = "pylibjpeg" in decoder.available_plugins
            return "" if is_read else f"its pixels cannot be decoded: {_JPEG_EXTENDED_ADVICE}"
        if decoder.is_available:
            return ""
    except NotImplementedError:
        return f"its pixels cannot be decoded: nothing here reads {syntax.name}"
    return f"its pixels cannot be decoded: {syntax.name} needs a decoder; {_advice()}"


def _decoder(syntax: UID) -> Decoder:
    """Return pydicom's decoder of a transfer syntax, which asks no GDCM that is too old any more.

    Of what is damaged, that returns whatever is in memory. Raises ``NotImplementedError``.
    """
    from pydicom.pixels import get_decoder

    decoder = get_decoder(syntax)
    if "gdcm" in decoder.available_plugins and not _is_gdcm_usable():
        with suppress(ValueError, KeyError):  # another thread has done it just now
            decoder.remove_plugin("gdcm")
    return decoder


@cache
def _is_gdcm_usable() -> bool:
    """Whether it is new enough. To look takes 0.3 ms, which each file would cost."""
    return is_installed("gdcm")


def _advice() -> str:
    decoders = f'"{requirement("gdcm")}" {_OTHER_DECODERS}'
    return f'install one: "{sys.executable}" -m pip install {decoders}'


def _read(path: Path) -> Dataset:
    """The file up to its pixels, and these: what comes behind them can be of any size."""
    from pydicom.filereader import read_partial
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    try:
        with opened(path) as file:
            dataset = read_partial(file, _end_of_pixels(), _DEFERRED, force=True)
    except Exception as error:  # a file that changed since it was listed raises anything
        raise _unreadable(path, error) from error
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little_endian = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError(f"{path.name!r} can no longer be read: {reason_of(error)}")


def _end_of_pixels() -> Callable[..., bool]:
    """Return what tells pydicom that an element is behind the pixels.

    Others of a file with two are those that the index does not know, and pydicom would take.
    """
    last = 0

    def is_behind(tag: int, *_: object) -> bool:
        nonlocal last
        before, last = last, tag
        return tag > _LAST_TAG or before == _LAST_TAG

    return is_behind


def _meaning(dataset: Dataset, pixels: np.ndarray) -> np.ndarray:
    """Return what decoded pixels mean, but for the rescale: their own bits, or what tables say."""
    if pixels.dtype.kind in "iu":
        pixels = without_other_bits(pixels, *_bits(dataset))
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return apply_palette(pixels, dataset)
    if any(map(has_table, dataset.get("ModalityLUTSequence") or ())):
        return apply_modality_table(pixels, dataset)
    return pixels >> max(0, dataset.BitsStored - 8) if pixels.ndim == 3 else pixels


def _bits(dataset: Dataset) -> tuple[int, int]:
    """Return how many bits are stored, and the highest of those, when they are decoded.

    JPEG and its successors have values of so many bits, wherever they lay before (PS3.5 8.2).
    """
    from pydicom.uid import RLELossless

    stored = int(dataset.get("BitsStored", 0))
    syntax = dataset.file_meta.TransferSyntaxUID
    is_as_stored = syntax == RLELossless or not syntax.is_encapsulated
    return stored, int(dataset.get("HighBit", stored - 1)) if is_as_stored else stored - 1


def _why_not_decoded(dataset: Dataset, path: Path, error: Exception) -> str:
    syntax = dataset.file_meta.TransferSyntaxUID
    reason = " ".join(str(error).split())
    if syntax.is_transfer_syntax and syntax.is_compressed:
        advice = f"If no decoder for {syntax.name} is installed, {_advice()}"
    else:
        advice = "The file may be damaged; get it again from its archive."
    return f"The pixels of {path.name!r} cannot be decoded: {reason}. {advice}"
