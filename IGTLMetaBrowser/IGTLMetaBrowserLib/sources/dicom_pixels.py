"""Pixels of DICOM frames: decoded, rescaled, and in the smallest type that holds them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from ..net.source import SourceError
from .dicom_files import Frame
from .dicom_volumes import Stack

if TYPE_CHECKING:
    from pydicom import Dataset

INTEGERS = tuple(np.dtype(t) for t in (np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32))


def is_color(stack: Stack) -> bool:
    """Whether the pixels are red, green and blue."""
    header = stack.frames[0].header
    return (
        header.get("SamplesPerPixel") == 3
        or header.get("PhotometricInterpretation") == "PALETTE COLOR"
    )


def listed_dtype(stack: Stack) -> np.dtype:
    """The pixels' type as a listing can know it, without reading them.

    Colours are uint8. Integers that stay integers when rescaled get the smallest type for the range
    that the bits stored allow; those of 16 bits with an offset (CT) are int16, as no image uses
    their whole range. All else is float32.
    """
    dtype = _safe_dtype(stack)
    bits = stack.frames[0].header.get("BitsAllocated")
    is_only_offset = all(_rescale(frame)[0] == 1.0 for frame in stack.frames)
    return np.dtype(np.int16) if dtype == np.int32 and bits == 16 and is_only_offset else dtype


def read_pixels(stack: Stack) -> np.ndarray:
    """The stack's pixels: shape (k, j, i), or (k, j, i, 3) of uint8 for colours.

    Rescale slope and intercept are applied; MONOCHROME1 (low is bright) is left as it is stored.
    The type is ``listed_dtype``, or int32 where the values turn out not to fit it. Raises
    ``SourceError``.
    """
    columns, rows, slices = stack.size
    shape = (slices, rows, columns, 3) if is_color(stack) else (slices, rows, columns)
    volume = np.empty(shape, _safe_dtype(stack))
    path, dataset = None, None
    for k, frame in enumerate(stack.frames):
        if frame.path != path:
            path, dataset = frame.path, _read(frame)
        volume[k] = _decode(dataset, frame, shape[1:])
    listed = listed_dtype(stack)
    if listed != volume.dtype:
        limits = np.iinfo(listed)
        if limits.min <= volume.min() and volume.max() <= limits.max:
            volume = volume.astype(listed)
    return volume


def _safe_dtype(stack: Stack) -> np.dtype:
    """A type that holds whatever the bits stored and the rescale allow."""
    header = stack.frames[0].header
    if is_color(stack):
        return np.dtype(np.uint8)
    if header.get("ModalityLUTSequence"):
        return np.dtype(np.uint16)
    bits = header.get("BitsStored")
    rescales = {_rescale(frame) for frame in stack.frames}
    if not bits or any(not number.is_integer() for rescale in rescales for number in rescale):
        return np.dtype(np.float32)
    signed = header.get("PixelRepresentation") == 1
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    values = [slope * end + intercept for slope, intercept in rescales for end in ends]
    for dtype in INTEGERS:
        if np.iinfo(dtype).min <= min(values) and max(values) <= np.iinfo(dtype).max:
            return dtype
    return np.dtype(np.float32)


def _rescale(frame: Frame) -> tuple[float, float]:
    """Slope and intercept; 1 and 0 where they are absent, empty, or the slope is 0 (seen in the
    wild)."""
    return (float(frame.get("RescaleSlope") or 1.0), float(frame.get("RescaleIntercept") or 0.0))


def _read(frame: Frame) -> Dataset:
    """The whole file."""
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    try:
        dataset = pydicom.dcmread(frame.path, force=True)
    except Exception as error:  # a file that changed since it was listed raises anything
        raise SourceError(f"{frame.path.name} can no longer be read: {error}") from error
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little_endian = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _decode(dataset: Dataset, frame: Frame, shape: tuple[int, ...]) -> np.ndarray:
    """One frame, shape (j, i) or (j, i, 3), of any type."""
    from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

    try:
        pixels = pixel_array(dataset, index=frame.index)
        if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, dataset)
        if dataset.get("ModalityLUTSequence"):
            pixels = apply_modality_lut(pixels, dataset)
    except Exception as error:  # decoders raise anything
        raise SourceError(_why_not_decoded(dataset, frame, error)) from error
    if pixels.shape != shape:
        raise SourceError(
            f"{frame.path.name} holds pixels of the shape {pixels.shape}, its header says {shape}. "
            "The file may be damaged; get it again from its archive."
        )
    if len(shape) == 3:
        palette = dataset.PhotometricInterpretation == "PALETTE COLOR"
        bits = 8 * pixels.dtype.itemsize if palette else dataset.BitsStored
        return pixels >> max(0, bits - 8)
    slope, intercept = _rescale(frame)
    if dataset.get("ModalityLUTSequence") or (slope, intercept) == (1.0, 0.0):
        return pixels
    return pixels * slope + intercept


def _why_not_decoded(dataset: Dataset, frame: Frame, error: Exception) -> str:
    syntax = dataset.file_meta.TransferSyntaxUID
    reason = " ".join(str(error).split())
    if syntax.is_compressed and syntax.is_transfer_syntax:
        advice = (
            f"If no decoder for {syntax.name} is installed, install one: "
            f'"{sys.executable}" -m pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg'
        )
    else:
        advice = "The file may be damaged; get it again from its archive."
    return f"The pixels of {frame.path.name} cannot be decoded: {reason}. {advice}"
