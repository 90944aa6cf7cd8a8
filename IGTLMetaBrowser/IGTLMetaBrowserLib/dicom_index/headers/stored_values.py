"""Whether a header says what its stored numbers mean: their bits, their sign, and the rescale.

Without one of these, readers take different defaults, and make different values of one file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat

from .pixel_place import PixelPlace
from .plausible_numbers import floats
from .uids import PET_IMAGE, RT_DOSE

_SLOPE, _INTERCEPT = "RescaleSlope", "RescaleIntercept"


def why_unclear(
    values: Mapping[str, str], frames: Mapping[str, Sequence[str]], pixels: PixelPlace | None
) -> str:
    """Return why it is not known what the stored numbers mean; empty if it is.

    ``frames`` has the attributes that differ from frame to frame.
    """
    is_integer = pixels is not None and pixels.keyword == "PixelData"
    why = _why_no_integers(values) if is_integer else ""
    return why or _why_half_a_rescale(values, frames)


def _why_no_integers(values: Mapping[str, str]) -> str:
    """Return which attribute of an image's integers is missing or makes no sense (PS3.3 C.7.6.3).

    Integers with a sign, read as such without, have 64536 for −1000.
    """
    stored, allocated = (floats(values.get(key, "")) for key in ("BitsStored", "BitsAllocated"))
    if len(stored) != 1 or (allocated and not 1 <= stored[0] <= allocated[0]):
        said = f"BitsStored is {values.get('BitsStored', '')[:20]!r}"
        return f"its header makes no sense: {said}, of {values.get('BitsAllocated', '')} bits"
    if _has_signs(values) and values.get("PixelRepresentation") not in ("0", "1"):
        said = values.get("PixelRepresentation", "")[:20]
        return f"whether its values have a sign is not known: PixelRepresentation is {said!r}"
    return ""


def _has_signs(values: Mapping[str, str]) -> bool:
    """Whether values can have a sign: those of colors, and places in a palette, have none."""
    is_palette = values.get("PhotometricInterpretation") == "PALETTE COLOR"
    return values.get("SamplesPerPixel", "1") == "1" and not is_palette


def _why_half_a_rescale(values: Mapping[str, str], frames: Mapping[str, Sequence[str]]) -> str:
    """Return why a rescale is not known; empty if it is, or nothing is to be rescaled by it.

    An image has both slope and intercept (PS3.3 C.7.6.16.2.9), or neither, or a table instead
    (C.11.1). With one of them alone, some readers take 1 or 0 for the other, and some the stored
    values. All are right if that changes nothing; a PET's intercept is always 0 (C.8.9.4); and a
    dose has its own scaling in their place (C.8.8.3).
    """
    if "ModalityLUTSequence" in values or values.get("SOPClassUID") == RT_DOSE:
        return ""
    texts = [frames.get(key) or repeat(values.get(key, "")) for key in (_SLOPE, _INTERCEPT)]
    count = max((len(frames[key]) for key in (_SLOPE, _INTERCEPT) if key in frames), default=1)
    for _, slope, intercept in zip(range(count), *texts, strict=False):
        for keyword, text in ((_SLOPE, slope), (_INTERCEPT, intercept)):
            if "\\" in text:
                return f"its values are not known: {keyword} is {text[:60]}, two numbers or more"
        is_pet = values.get("SOPClassUID") == PET_IMAGE
        if slope and not intercept and not is_pet and floats(slope)[0] not in (0, 1):
            return f"its values are not known: {_SLOPE} is {slope}, and {_INTERCEPT} is missing"
        if intercept and not slope and floats(intercept)[0] != 0:
            return f"its values are not known: {_INTERCEPT} is {intercept}, and {_SLOPE} is missing"
    return ""
