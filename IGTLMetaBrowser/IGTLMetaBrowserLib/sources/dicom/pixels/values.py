"""What the stored pixels of DICOM frames mean: their bits, the rescale, and a type for them."""

from __future__ import annotations

import math

import numpy as np

from ....dicom_index.headers.image_header import ImageHeader
from ....dicom_index.headers.uids import PARAMETRIC_MAP, RT_DOSE, SEGMENTATION
from ..files import Frame
from ..volumes.stacks import Stack
from .bits import integer_range, range_of_bits, without_other_bits

_INTEGERS = tuple(
    np.dtype(t) for t in (np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32)
)
_FLOAT = np.dtype(np.float32)


def is_color(stack: Stack) -> bool:
    """Whether the pixels are red, green and blue."""
    first = stack.frames[0]
    is_palette = first.get("PhotometricInterpretation") == "PALETTE COLOR"
    return is_palette or _whole(first, "SamplesPerPixel") == 3


def listed_dtype(stack: Stack) -> np.dtype:
    """Return the pixels' type as a listing can know it, without reading them.

    Colors are uint8. Integers that stay integers when rescaled get the smallest type for the range
    that the bits stored allow; those of 16 bits with an offset (CT) are int16, as no image uses
    their whole range. All else is float32.
    """
    dtype = _safe_dtype(stack)
    is_only_offset = all(slope == 1.0 for slope, _ in _rescales(stack))
    is_16_bits = _whole(stack.frames[0], "BitsAllocated") == 16
    return np.dtype(np.int16) if dtype == np.int32 and is_16_bits and is_only_offset else dtype


def aligned(pixels: np.ndarray, frame: Frame) -> np.ndarray:
    """Return stored integers in native order, without the bits that are not of the value."""
    return without_other_bits(pixels, *_bits(frame))


def known_range(pixels: np.ndarray, frame: Frame) -> tuple[int, int] | None:
    """Return what aligned integers are between at most, if fewer bits are stored than allocated."""
    return range_of_bits(pixels.dtype, *_bits(frame))


def aligned_range(dtype: np.dtype, frame: Frame) -> tuple[int, int] | None:
    """Return what stored integers are between if ``aligned`` leaves them as they are.

    None if it never does.
    """
    stored, high = _bits(frame)
    ends = range_of_bits(dtype, stored, high)
    if ends is None:
        return integer_range(8 * dtype.itemsize, dtype.kind == "i")
    return ends if high == stored - 1 else None


def _bits(frame: Frame) -> tuple[int, int]:
    """Return how many bits are stored, and the highest of those."""
    stored = _whole(frame, "BitsStored")
    return stored, _whole(frame, "HighBit") if frame.get("HighBit") else stored - 1


def integer_kind(header: ImageHeader) -> str:
    """Return numpy's letter for the integers of an image: with a sign or without."""
    return "i" if header.get("PixelRepresentation") == "1" else "u"


def _safe_dtype(stack: Stack) -> np.dtype:
    """Return a type that holds whatever the bits stored and the rescale allow."""
    first = stack.frames[0]
    if is_color(stack):
        return np.dtype(np.uint8)
    if first.get("ModalityLUTSequence"):
        return np.dtype(np.uint16)
    place = first.file.header.pixels
    if place is not None and place.keyword != "PixelData":
        return np.dtype(np.float64 if place.keyword == "DoublePixelData" else np.float32)
    bits = _whole(first, "BitsStored")
    rescales = _rescales(stack)
    if not bits or any(not number.is_integer() for rescale in rescales for number in rescale):
        return _FLOAT
    ends = integer_range(bits, integer_kind(first.file.header) == "i")
    return smallest_dtype(
        [slope * end + intercept for slope, intercept in rescales for end in ends]
    )


def smallest_dtype(values: list[float]) -> np.dtype:
    """Return the smallest type that holds these whole numbers, and all between them."""
    for dtype in _INTEGERS:
        if np.iinfo(dtype).min <= min(values) and max(values) <= np.iinfo(dtype).max:
            return dtype
    return np.dtype(np.float64)  # 32 bits and more: float32 has 24


def _rescales(stack: Stack) -> set[tuple[float, float]]:
    # Most slices have the same, which is seen sooner than it is read.
    found: dict[object, tuple[float, float]] = {}
    for frame in stack.frames:
        header = frame.file.header
        own = (header.own.get("RescaleSlope"), header.own.get("RescaleIntercept"))
        key = frame if header.frames else (id(header.shared), *own)
        if key not in found:
            found[key] = rescale_of(frame)
    return set(found.values())


def rescale_of(frame: Frame) -> tuple[float, float]:
    """Slope and intercept; 1 and 0 if they are absent, empty, or the slope is 0 (seen in the
    wild). What is of doses, segmentations and maps counts in these alone."""
    sop_class = frame.get("SOPClassUID")
    if sop_class == RT_DOSE:  # from stored values to DoseUnits (PS3.3 C.8.8.3)
        return (frame.number("DoseGridScaling") or 1.0, 0.0)
    if sop_class == SEGMENTATION and frame.get("SegmentationType") == "FRACTIONAL":
        return (1.0 / highest_fraction(frame), 0.0)
    if sop_class == PARAMETRIC_MAP and frame.get("RealWorldValueSlope"):
        intercept = frame.number("RealWorldValueIntercept") or 0.0
        return (frame.number("RealWorldValueSlope") or 1.0, intercept)
    return (frame.number("RescaleSlope") or 1.0, frame.number("RescaleIntercept") or 0.0)


def highest_fraction(frame: Frame) -> float:
    """Return the value of a fractional segmentation's pixels that stands for 1.

    Raises ``ValueError`` if the file does not say it, as it must (PS3.3 C.8.20.2).
    """
    highest = frame.number("MaximumFractionalValue") or 0.0
    if not 1 <= highest < math.inf:
        raise ValueError(
            "a fractional segmentation that does not say which value stands for 1 "
            "(MaximumFractionalValue)"
        )
    return highest


def _whole(frame: Frame, keyword: str) -> int:
    return int(frame.number(keyword) or 0)
