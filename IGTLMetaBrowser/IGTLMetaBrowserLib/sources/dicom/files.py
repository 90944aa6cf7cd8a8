"""The images among the DICOM files that an index has found, frame by frame."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ...dicom_index.database import VERSION
from ...dicom_index.headers.header_reader import DICOM, DICOMDIR, OTHER, REFUSED, UNREADABLE
from ...dicom_index.headers.image_header import TRANSFER_SYNTAX_UID, ImageHeader
from ...dicom_index.headers.plausible_numbers import floats
from ...dicom_index.headers.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    LABEL_MAP_SEGMENTATION,
    RT_DOSE,
    RT_STRUCTURE_SET,
    SEGMENTATION,
    UNCOMPRESSED,
)
from ...dicom_index.index import DicomIndex
from ...dicom_index.rows import ImageFile, shown_path
from ...file_version import FileVersion

_NOT_IMAGES = (DICOMDIR, OTHER, REFUSED, UNREADABLE)

Refusal = tuple[str, str]  # a path or series, and why it is not offered

# Storage classes that have rows and columns, and are still no images that a volume can be made of.
NOT_OFFERED = {
    "1.2.840.10008.5.1.4.1.1.77.1.6": "a whole slide microscopy image",
}
# Colors that are retired, and those that are made RGB only as a frame is decompressed (PS3.3
# C.7.6.3.1.2).
_OTHER_COLORS = {"ARGB", "CMYK", "HSV"}
_COLORS_OF_DECODERS = {"YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422"}
_THREE_SAMPLES = ("RGB", "YBR_")


class IndexedFile(NamedTuple):
    """A file of whatever kind: its path in the indexed folder, and its version."""

    name: str
    version: FileVersion


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One frame of an image: the only one of its file, or number ``index`` (from 0)."""

    file: ImageFile
    index: int = 0

    def get(self, keyword: str) -> str:
        """Return the text of an attribute for this frame; an empty one if it is absent."""
        return self.file.header.get(keyword, self.index)

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """Return the value as ``count`` numbers, or None if it is absent or of another length."""
        numbers = parse_numbers(self.get(keyword))
        return numbers if len(numbers) == count else None

    def number(self, keyword: str) -> float | None:
        """Return the value as a number, of several the first; None if it is absent or none."""
        numbers = parse_numbers(self.get(keyword))
        return numbers[0] if numbers else None


@lru_cache(maxsize=4096)
def parse_numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a multi-valued attribute; none if it is empty or no numbers.

    Most slices of a series have the same orientation and spacing, hence the cache.
    """
    if not text:
        return ()
    numbers = tuple(floats(text))
    return numbers if all(map(math.isfinite, numbers)) else ()


@dataclass
class FoundImages:
    """The images in an index's folder in the order of their paths, and what was refused.

    ``missing`` is by SeriesInstanceUID how many images were refused that are now missing in their
    series. ``read`` has all images by their paths, those that were refused as well; ``digests`` are
    those that were asked for.
    """

    images: list[ImageFile] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    read: dict[str, ImageFile] = field(default_factory=dict)
    digests: dict[ImageFile, bytes] = field(default_factory=dict)


def find_images(
    index: DicomIndex, digest: Callable[[ImageFile], bytes], before: FoundImages | None = None
) -> FoundImages:
    """Return the images in an index's folder.

    A file whose SOPInstanceUID was seen before is refused: it is the same image, stored twice, or
    else one that is missing, as nothing tells which of the two has the UID with right. ``digest``
    is asked for that of the pixels of files whose headers are alike; it is empty for what cannot be
    read. Of files that are as they were ``before``, nothing is read again.
    """
    before = before or FoundImages()
    found = FoundImages()
    first: dict[str, ImageFile] = {}

    def digest_of(image: ImageFile) -> bytes:
        if image not in found.digests:
            found.digests[image] = before.digests.get(image) or digest(image)
        return found.digests[image]

    for image in index.images(before.read):
        found.read[image.name] = image
        uid = image.header.get("SOPInstanceUID") or image.name
        reason = _why_refused(image.header)
        twin = None if reason else first.setdefault(uid, image)
        if twin is image:
            found.images.append(image)
            continue
        is_copy = twin is not None and _is_copy(image, twin, digest_of)
        if twin is not None:
            what = "the same image as" if is_copy else "another image than"
            reason = f"{what} {twin.name}: both have the SOPInstanceUID {uid}"
        found.missing[image.header.get("SeriesInstanceUID")] += not is_copy
        found.refused.append((image.name, reason))
    others = index.files(*_NOT_IMAGES)
    found.refused += [(file.path, file.reason or _REASONS[file.kind]) for file in others]
    found.refused += _without_pixels(index)
    found.refused.sort()
    return found


def _is_copy(image: ImageFile, twin: ImageFile, digest: Callable[[ImageFile], bytes]) -> bool:
    """Whether two files hold one image."""
    if not _are_alike(image.header, twin.header):
        return False
    return digest(image) != b"" and digest(image) == digest(twin)


def _are_alike(one: ImageHeader, other: ImageHeader) -> bool:
    """Whether two files may hold one image, be it that one of them is compressed."""
    return (
        one.own == other.own
        and one.frames == other.frames
        and _without_syntax(one) == _without_syntax(other)
    )


def _without_syntax(header: ImageHeader) -> dict[str, str]:
    return {key: text for key, text in header.shared.items() if key != TRANSFER_SYNTAX_UID}


def is_segmentation(image: ImageFile) -> bool:
    """Whether a file's frames are of structures, not of the patient."""
    return image.header.get("SOPClassUID") in (SEGMENTATION, LABEL_MAP_SEGMENTATION)


def is_fractional(segmentation: ImageFile) -> bool:
    """Whether a segmentation has no labels, but a probability or an occupancy in each pixel."""
    return segmentation.header.get("SegmentationType") == "FRACTIONAL"


def documents(index: DicomIndex, sop_class: str) -> list[IndexedFile]:
    """Return the files of a SOP class in an index's folder, in the order of their paths."""
    found = index.query(
        f"SELECT folder, name, {VERSION} FROM instances JOIN files ON files.id = instances.file"
        " WHERE kind = 'dicom' AND sop_class = ? ORDER BY folder, name",
        sop_class,
    )
    return [
        IndexedFile(shown_path("", folder, name), FileVersion(*version))
        for folder, name, *version in found
    ]


def frames_of(image: ImageFile) -> Iterator[Frame]:
    """Yield the frames of an image, in the order of the file."""
    for index in range(number_of_frames(image.header)):
        yield Frame(image, index)


def number_of_frames(header: ImageHeader) -> int:
    """Return how many frames an image has: at least one."""
    numbers = parse_numbers(header.get("NumberOfFrames"))
    return max(1, int(numbers[0])) if numbers else 1


def _why_refused(header: ImageHeader) -> str:
    sop_class = header.get("SOPClassUID")
    if sop_class in NOT_OFFERED:
        return f"{NOT_OFFERED[sop_class]}, not an image"
    if header.problem:
        return header.problem
    if why := _why_no_colors(header):
        return why
    if sop_class == RT_DOSE:
        return _why_no_dose(header)
    return ""


def _why_no_colors(header: ImageHeader) -> str:
    """Return why colors would be wrong: they would be taken for red, green and blue."""
    colors = header.get("PhotometricInterpretation")
    syntax = header.get(TRANSFER_SYNTAX_UID)
    is_decoded = syntax not in (*UNCOMPRESSED, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)
    if colors in _OTHER_COLORS or (not is_decoded and colors in _COLORS_OF_DECODERS):
        return f"its colors are {colors}, which nothing here makes red, green and blue of"
    samples = header.get("SamplesPerPixel") or "1"
    if (samples == "1") == colors.startswith(_THREE_SAMPLES) or samples not in ("1", "3"):
        what = f"SamplesPerPixel is {samples[:20]}, and PhotometricInterpretation {colors[:20]!r}"
        return f"whether it has colors is not known: {what}"
    return ""


def _why_no_dose(header: ImageHeader) -> str:
    if number_of_frames(header) > 1 and not header.frames:
        return "a dose without a grid: GridFrameOffsetVector does not place its planes"
    # Stored values are counts, and would be taken for thousands of Gy.
    if not any(parse_numbers(header.get("DoseGridScaling"))):
        return "a dose without values: its DoseGridScaling is missing or 0"
    return ""


def _without_pixels(index: DicomIndex) -> list[Refusal]:
    """Return the DICOM files that are no images."""
    found = index.query(
        "SELECT folder, name, sop_class FROM instances JOIN files ON files.id = instances.file"
        f" WHERE kind = 'dicom' AND sop_class != '{RT_STRUCTURE_SET}'"
        " AND file NOT IN (SELECT file FROM images)"
    )
    return [
        (shown_path("", folder, name), _why_no_image(sop_class))
        for folder, name, sop_class in found
    ]


def _why_no_image(sop_class: str) -> str:
    from pydicom.uid import UID

    what = UID(sop_class).name if sop_class else "DICOM without a SOPClassUID"
    return f"not an image: {what}, without rows and columns of pixels"


_REASONS = {
    DICOMDIR: "not an image: Media Storage Directory Storage, without rows and columns of pixels",
    OTHER: "not a DICOM file",
    REFUSED: "cannot be read",
    UNREADABLE: "cannot be read as DICOM",
    DICOM: "not an image",
}
