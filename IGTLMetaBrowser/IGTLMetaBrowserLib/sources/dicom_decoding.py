"""Decoding pixels with pydicom: compressed, in colors, through tables, or with odd bits.

The functions are plain ones of a path, so that worker processes can call them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..net.source import SourceError

if TYPE_CHECKING:
    from pydicom import Dataset

_DECODERS = "python-gdcm pylibjpeg pylibjpeg-openjpeg pyjpegls"


def decode_frames(path: Path, indices: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield frames of a file (from 0): shape (j, i), or (j, i, 3) of uint8 for colors.

    The file is parsed once. Tables (palette, modality LUT) are applied, the rescale is not. Raises
    ``SourceError``.
    """
    from pydicom.pixels import iter_pixels

    dataset = _read(path)
    try:
        for pixels in iter_pixels(dataset, indices=indices):
            yield _apply_tables(dataset, pixels)
    except SourceError:
        raise
    except Exception as error:  # decoders raise anything
        raise SourceError(_why_not_decoded(dataset, path, error)) from error


def why_not_decodable(transfer_syntax: str) -> str:
    """Return why the pixels of a transfer syntax cannot be decoded here; empty if they can."""
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    syntax = UID(transfer_syntax)
    if not (syntax.is_transfer_syntax and syntax.is_compressed):
        return ""
    try:
        if get_decoder(syntax).is_available:
            return ""
    except NotImplementedError:
        return f"its pixels cannot be decoded: nothing here reads {syntax.name}"
    return f"its pixels cannot be decoded: {syntax.name} needs a decoder; {_advice()}"


def _advice() -> str:
    return f'install one: "{sys.executable}" -m pip install {_DECODERS}'


def _read(path: Path) -> Dataset:
    """The whole file."""
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    try:
        dataset = pydicom.dcmread(path, force=True)
    except Exception as error:  # a file that changed since it was listed raises anything
        raise SourceError(f"{path.name} can no longer be read: {error}") from error
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little_endian = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _apply_tables(dataset: Dataset, pixels: np.ndarray) -> np.ndarray:
    from pydicom.pixels import apply_color_lut, apply_modality_lut

    is_palette = dataset.get("PhotometricInterpretation") == "PALETTE COLOR"
    if is_palette:
        pixels = apply_color_lut(pixels, dataset)
    if dataset.get("ModalityLUTSequence"):
        pixels = apply_modality_lut(pixels, dataset)
    if pixels.ndim == 3:
        bits = 8 * pixels.dtype.itemsize if is_palette else dataset.BitsStored
        pixels = pixels >> max(0, bits - 8)
    return pixels


def _why_not_decoded(dataset: Dataset, path: Path, error: Exception) -> str:
    syntax = dataset.file_meta.TransferSyntaxUID
    reason = " ".join(str(error).split())
    if syntax.is_compressed and syntax.is_transfer_syntax:
        advice = f"If no decoder for {syntax.name} is installed, {_advice()}"
    else:
        advice = "The file may be damaged; get it again from its archive."
    return f"The pixels of {path.name} cannot be decoded: {reason}. {advice}"
