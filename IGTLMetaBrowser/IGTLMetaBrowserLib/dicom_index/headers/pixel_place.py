"""Where a file has its pixels, and whether those bytes can hold what the header says.

No count of rows, columns or frames is believed beyond that: a header of a few hundred bytes could
otherwise have terabytes made for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .plausible_numbers import floats
from .uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, UNCOMPRESSED

PIXEL_TAGS = {0x7FE00010: "PixelData", 0x7FE00008: "FloatPixelData", 0x7FE00009: "DoublePixelData"}
# PS3.5 7.1.1: the value ends with a delimiter, as that of encapsulated pixels does (A.4).
UNDEFINED_LENGTH = 0xFFFFFFFF

# 1000 volumes of 100 slices. Each is looked at: a million of one pixel have a megabyte, and take
# minutes.
_MOST_FRAMES = 100_000
# Nobody compresses pixels to twice their size; so much may stand beside them.
_LARGEST_COMPRESSED = 2
_MOST_BESIDE = 256 << 20
# A frame that is compressed begins with the tag and the length of its item (PS3.5 A.4).
_BYTES_A_FRAME = 8
# A black image of 4096² has some hundred bytes as JPEG 2000: 50,000 pixels a byte.
_MOST_PIXELS_A_BYTE = 100_000
_FRAMES = "NumberOfFrames"
_MOST = 2**31  # IS has 32 bits, and a sign
_BITS = {"FloatPixelData": 32, "DoublePixelData": 64}
# In an uncompressed image of this kind, two pixels share the chroma of one (PS3.3 C.7.6.3.1.2).
_SHARED_CHROMA = "YBR_FULL_422"


@dataclass(frozen=True)
class PixelPlace:
    """Where a file has its pixels: the attribute, its first byte and its length.

    The length is ``UNDEFINED_LENGTH`` for encapsulated pixels; ``offset`` is 0 if it is not known
    (a deflated file).
    """

    keyword: str
    offset: int
    length: int


def why_not_whole(
    values: Mapping[str, str], syntax: str, pixels: PixelPlace | None, file_size: int
) -> str:
    """Return why the pixels cannot be what the header's ``values`` say; empty if they can.

    ``file_size`` is in bytes; of a deflated file, when it is inflated.
    """
    if pixels is None:
        return "it has no pixels"
    is_cut_off = pixels.offset + pixels.length > file_size
    if pixels.length != UNDEFINED_LENGTH and is_cut_off:
        missing = pixels.offset + pixels.length - file_size
        return f"it is cut off: {missing} bytes of its pixels are missing; get it again"
    try:
        rows, columns, frames = (_count(values, key) for key in ("Rows", "Columns", _FRAMES))
        bits = rows * columns * frames * _bits_a_pixel(values, pixels.keyword)
    except ValueError as error:
        return f"its header makes no sense: {error}"
    if syntax in UNCOMPRESSED and pixels.length == UNDEFINED_LENGTH:
        return "its pixels are compressed, and it does not say how (TransferSyntaxUID)"
    said = f"its header says {frames} frames of {columns} × {rows} pixels"
    if not _can_hold(pixels, syntax, file_size, frames, rows * columns, bits):
        return f"{said}, which its {file_size} bytes cannot hold"
    if frames > _MOST_FRAMES:
        return f"{said}; no more than {_MOST_FRAMES} frames are read of a file"
    most = _LARGEST_COMPRESSED * bits // 8 + _MOST_BESIDE
    if pixels.length == UNDEFINED_LENGTH and file_size - pixels.offset > most:
        return f"{said}, for which its {file_size} bytes are too many"
    return ""


def excess_of(values: Mapping[str, str], pixels: PixelPlace) -> tuple[int, str]:
    """Return how many bytes are behind the pixels of an image that is whole (``why_not_whole``),
    and why it is refused if they can be another frame than its header says.

    Less than a frame is padding: writers fill up blocks (pydicom's MR_small_padded.dcm, whose 128
    zeros are as many as a row has). pydicom and DCMTK pass over what is behind the pixels.
    """
    rows, columns, frames = (_count(values, key) for key in ("Rows", "Columns", _FRAMES))
    bits_a_pixel = _bits_a_pixel(values, pixels.keyword)
    bits_a_frame = rows * columns * bits_a_pixel
    byte_count = (frames * bits_a_frame + 7) // 8
    is_native = pixels.length != UNDEFINED_LENGTH
    behind = max(0, pixels.length - byte_count) if is_native else 0
    if 8 * behind >= max(bits_a_frame, 16):
        said = f"its header says {frames} frames of {columns} × {rows} pixels"
        return behind, f"{said}, and it has {behind} bytes of pixels more than that; get it again"
    # One may make their number even (PS3.5 8.1.1).
    return max(0, behind - byte_count % 2), ""


def _can_hold(
    pixels: PixelPlace, syntax: str, file_size: int, frames: int, area: int, bits: int
) -> bool:
    if syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        return bits <= 8 * file_size
    there = file_size - pixels.offset
    if syntax in UNCOMPRESSED:
        return bits <= 8 * pixels.length
    return frames * _BYTES_A_FRAME <= there and frames * area <= there * _MOST_PIXELS_A_BYTE


def _count(values: Mapping[str, str], keyword: str) -> int:
    """Return a positive count; that of frames is 1 if it is absent or 0 (seen in the wild)."""
    text = values.get(keyword, "").partition("\\")[0].strip()
    if keyword == _FRAMES and text in ("", "0"):
        return 1
    numbers = floats(text)
    if not numbers or not 1 <= numbers[0] <= _MOST or not numbers[0].is_integer():
        raise ValueError(f"{keyword} is {text[:20]!r}")
    return int(numbers[0])


def _bits_a_pixel(values: Mapping[str, str], keyword: str) -> int:
    allocated = _BITS.get(keyword) or _count({"BitsAllocated": "8", **values}, "BitsAllocated")
    if allocated != 1 and allocated % 8:
        raise ValueError(f"BitsAllocated is {allocated}")
    samples = _count({"SamplesPerPixel": "1", **values}, "SamplesPerPixel")
    is_shared = values.get("PhotometricInterpretation") == _SHARED_CHROMA
    return allocated * (2 if is_shared else samples)
