"""What an index keeps of an image's header: all that it takes to list it, place it, and read it.

Attributes are texts as ``fields.text_of`` gives them, under their DICOM keywords. Those of the
functional groups of an enhanced image (PS3.3 C.7.6.16) are resolved once, here: each attribute is
either one text for the whole file, or a list with a text for each frame.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..fields import Lookup, checked_items, first_item, in_item, items_of, known_vr, text_of
from .grids import GRID_TAGS, split_grid
from .pixel_place import PixelPlace, excess_of, why_not_whole
from .plausible_numbers import floats, why_implausible
from .stored_values import why_unclear

# The attributes that most slices of a series share, so that the index keeps them only once.
SHARED_KEYWORDS = (
    "AcquisitionDate", "BitsAllocated", "BitsStored", "BurnedInAnnotation", "CineRate", "Columns",
    "CountsSource", "DoseGridScaling", "DoseSummationType", "DoseType", "DoseUnits", "EchoNumbers",
    "EchoTime",
    "EstimatedRadiographicMagnificationFactor", "FrameOfReferenceUID", "FrameTime",
    "FrameTimeVector", "GridFrameOffsetVector", "HighBit", "ImageOrientationPatient",
    "ImageType", "ImagerPixelSpacing", "InversionTime", "IssuerOfPatientID",
    "MaximumFractionalValue", "Modality",
    "NominalScannedPixelSpacing", "NumberOfFrames", "PatientID", "PatientName",
    "PhotometricInterpretation", "PixelAspectRatio", "PixelRepresentation", "PixelSpacing",
    "PixelPaddingValue", "PixelSpacingCalibrationDescription", "PixelSpacingCalibrationType",
    "PlanarConfiguration",
    "ProtocolName", "RecommendedDisplayFrameRate", "Rows", "SOPClassUID", "SamplesPerPixel",
    "SegmentationFractionalType", "SegmentationType", "SegmentsOverlap", "SeriesDate",
    "SeriesDescription", "SeriesInstanceUID", "SeriesNumber", "SeriesTime", "SliceThickness",
    "SpacingBetweenSlices",
    "StudyDate", "StudyDescription", "StudyInstanceUID", "StudyTime", "TimezoneOffsetFromUTC",
    "Units",
)  # fmt: skip
# Those that differ from slice to slice.
OWN_KEYWORDS = (
    "AcquisitionDateTime", "AcquisitionNumber", "AcquisitionTime", "ContentDate", "ContentTime",
    "DiffusionBValue", "DiffusionGradientOrientation", "ImagePositionPatient", "InstanceNumber",
    "RescaleIntercept", "RescaleSlope", "SOPInstanceUID", "SliceVector",
    "TemporalPositionIdentifier", "TriggerTime",
)  # fmt: skip
# Those that only functional groups have.
FRAME_KEYWORDS = (
    "DimensionIndexValues", "EffectiveEchoTime", "FrameAcquisitionDateTime", "FrameType",
    "LUTLabel",
    "NominalCardiacTriggerDelayTime", "RealWorldValueIntercept", "RealWorldValueSlope",
    "ReferencedSegmentNumber", "TemporalPositionIndex", "TemporalPositionTimeOffset",
)  # fmt: skip

# Sequences of which something is kept under the sequence's own keyword, as JSON or a mark.
_MODALITY_LUT = 0x00283000
_LUT_DESCRIPTOR = 0x00283002
_LUT_DATA = 0x00283006
_ULTRASOUND_REGIONS = 0x00186011
_DETECTORS = 0x00540022
_SEGMENTS = 0x00620002
_SHARED_GROUPS = 0x52009229
_FRAME_GROUPS = 0x52009230
_GRADIENT_DIRECTIONS = 0x00189076
_MEASUREMENT_UNITS = 0x004008EA
_CODE_VALUE = 0x00080100
_REGION_KEYWORDS = (
    "RegionSpatialFormat", "RegionDataType", "RegionLocationMinX0", "RegionLocationMinY0",
    "RegionLocationMaxX1", "RegionLocationMaxY1", "PhysicalUnitsXDirection",
    "PhysicalUnitsYDirection", "PhysicalDeltaX", "PhysicalDeltaY",
)  # fmt: skip
_SEGMENT_KEYWORDS = ("SegmentNumber", "SegmentLabel", "RecommendedDisplayCIELabValue")

# Where scanners put the b-value before DICOM had an attribute for it: Siemens, Philips, UIH, and GE
# (whose numbers above 10^9 have a part that does not count). The creator of the private block, the
# element that names it, and the value's element.
_PRIVATE_B_VALUES = (
    ("SIEMENS MR HEADER", 0x00190010, 0x0019100C),
    ("Philips Imaging DD 001", 0x20010010, 0x20011003),
    ("Image Private Header", 0x00650010, 0x00651009),
    ("GEMS_PARM_01", 0x00430010, 0x00431039),
)
# GE adds it to the b-value in its private element (dcm2niix takes it off as well).
_GE_B_VALUE_OFFSET = 1e9
# GE's name of the pulse sequence, which tells research sequences whose headers are not true.
_GE_ACQUISITION = ("GEMS_ACQU_01", 0x00190010, 0x0019109C)

MEASUREMENT_UNITS = "MeasurementUnits"
"""Under this keyword a parametric map has the units of its values."""
TRANSFER_SYNTAX_UID = "TransferSyntaxUID"
EXCESS = "BytesBehindPixels"
"""How many bytes a file has more than pixels; absent if none, or one for an even number."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """The header of one file that has rows and columns of pixels.

    shared
        The attributes that most files of its series have in common; such files share the mapping,
        too, so nobody may change it.
    own
        The other attributes.
    frames
        The attributes that differ from frame to frame, with a text for each frame.
    pixels
        Where the pixels are; None if there are none.
    problem
        Why the image cannot be offered; empty if it can.
    """

    shared: Mapping[str, str]
    own: Mapping[str, str]
    frames: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pixels: PixelPlace | None = None
    problem: str = ""

    def get(self, keyword: str, frame: int = 0) -> str:
        """Return the text of an attribute for a frame (from 0); an empty one if it is absent."""
        if keyword in self.frames:
            texts = self.frames[keyword]
            return texts[frame] if frame < len(texts) else ""
        return self.own.get(keyword) or self.shared.get(keyword, "")


def read_image_header(
    lookup: Lookup, transfer_syntax: str, pixels: PixelPlace | None, file_size: int
) -> ImageHeader | None:
    """Return the header of an image, given how to find its elements; None if it is no image."""
    values = _values(lookup, (*SHARED_KEYWORDS, *OWN_KEYWORDS))
    if not (values.get("Rows") and values.get("Columns")):
        return None
    values[TRANSFER_SYNTAX_UID] = transfer_syntax
    values |= _from_sequences(lookup)
    if "DiffusionBValue" not in values and (b_value := _private_b_value(lookup)):
        values["DiffusionBValue"] = b_value
    creator, creator_tag, tag = _GE_ACQUISITION
    if text_of(lookup, creator_tag) == creator and (name := text_of(lookup, tag, "LO")):
        values["PulseSequenceName"] = name
    groups: Sequence[Any] = ()
    frames: Mapping[str, Sequence[str]] = {}
    damage = ""
    try:
        if any(map(has_table, checked_items(lookup(_MODALITY_LUT)))):
            values["ModalityLUTSequence"] = "present"
        groups = [*checked_items(lookup(_FRAME_GROUPS))]
        frames = _functional_groups(lookup, groups, values) or _dose_planes(values)
    except ValueError:
        damage = "what its values mean, or where its frames lie, cannot be read: it is damaged"
    problem = why_not_whole(values, transfer_syntax, pixels, file_size) or damage
    problem = problem or _why_not_each_frame(values, len(groups), frames)
    problem = problem or why_implausible(values, frames) or why_unclear(values, frames, pixels)
    if pixels is not None and not problem:
        excess, problem = excess_of(values, pixels)
        values |= {EXCESS: str(excess)} if excess else {}
    problem = problem or split_grid(lookup, values, frames)
    shared = {key: text for key, text in values.items() if key not in OWN_KEYWORDS}
    own = {key: text for key, text in values.items() if key in OWN_KEYWORDS}
    return ImageHeader(shared, own, frames, pixels, problem)


def pack_header(header: ImageHeader) -> tuple[str, str]:
    """Return a header as two texts: what the series' files share, and the rest."""
    pixels = header.pixels
    place = [pixels.keyword, pixels.offset, pixels.length] if pixels else None
    rest = [header.own, header.frames, place, header.problem]
    return json.dumps(header.shared), json.dumps(rest)


def unpack_header(shared: Mapping[str, str], rest: str) -> ImageHeader:
    """Return the header that ``pack_header`` packed; ``shared`` is its first text, parsed."""
    own, frames, place, problem = json.loads(rest)
    return ImageHeader(shared, own, frames, PixelPlace(*place) if place else None, problem)


@cache
def image_tags() -> Mapping[int, str]:
    """Return the tags of the attributes that functional groups and files have, with keywords."""
    from pydicom.datadict import tag_for_keyword

    keywords = (*SHARED_KEYWORDS, *OWN_KEYWORDS, *FRAME_KEYWORDS)
    return {int(tag_for_keyword(keyword) or 0): keyword for keyword in keywords}


@cache
def needed_tags() -> frozenset[int]:
    """Return the tags of all elements of a file that an image's header is made of."""
    sequences = (
        _MODALITY_LUT, _ULTRASOUND_REGIONS, _DETECTORS, _SEGMENTS, _SHARED_GROUPS, _FRAME_GROUPS
    )  # fmt: skip
    private = (tag for _, creator, value in _PRIVATE_B_VALUES for tag in (creator, value))
    return frozenset({*image_tags(), *sequences, *private, *_GE_ACQUISITION[1:], *GRID_TAGS})


@cache
def _tag_of(keyword: str) -> int:
    from pydicom.datadict import tag_for_keyword

    return int(tag_for_keyword(keyword) or 0)


def _values(lookup: Lookup, keywords: Iterable[str]) -> dict[str, str]:
    values = {}
    for keyword in keywords:
        tag = _tag_of(keyword)
        if lookup(tag) is not None and (text := text_of(lookup, tag)):  # most are absent
            values[keyword] = text
    return values


def _from_sequences(lookup: Lookup) -> dict[str, str]:
    values = {}
    for keyword, tag, keywords in (
        ("SequenceOfUltrasoundRegions", _ULTRASOUND_REGIONS, _REGION_KEYWORDS),
        ("SegmentSequence", _SEGMENTS, _SEGMENT_KEYWORDS),
    ):
        if items := items_of(lookup(tag)):
            values[keyword] = json.dumps(
                [_values(in_item(lookup, item), keywords) for item in items]
            )
    # Nuclear medicine has the place of a tomographic image with its detector (PS3.3 C.8.4.11).
    if (detector := first_item(lookup(_DETECTORS))) is not None:
        place = ("ImagePositionPatient", "ImageOrientationPatient")
        values |= {
            f"Detector{key}": text for key, text in _values(detector.get_item, place).items()
        }
    return values


def _private_b_value(lookup: Lookup) -> str:
    for creator, creator_tag, tag in _PRIVATE_B_VALUES:
        if lookup(tag) is not None and text_of(lookup, creator_tag) == creator:
            text = text_of(lookup, tag, "FL" if tag == 0x20011003 else None).partition("\\")[0]
            try:
                return f"{float(text) % _GE_B_VALUE_OFFSET:.4g}"
            except ValueError:
                return ""
    return ""


def has_table(item: Any) -> bool:
    """Whether an item of the modality LUT is more than a form that nobody has filled in."""
    elements = (item.get_item(tag) for tag in (_LUT_DESCRIPTOR, _LUT_DATA))
    return any(element is not None and bool(element.value) for element in elements)


def _why_not_each_frame(
    values: Mapping[str, str], groups: int, frames: Mapping[str, Sequence[str]]
) -> str:
    """Return why it is not known what each frame is; empty if it is, or they have no groups.

    A frame without its group would have another one's rescale, or none. ``groups`` is how many
    functional groups there are (PS3.3 C.7.6.16: one for each frame).
    """
    count = max(1, int(float(values.get("NumberOfFrames", "1").partition("\\")[0])))
    described = groups or max(map(len, frames.values()), default=count)
    if described == count:
        return ""
    return f"its header says {count} frames, and describes {described}: which is which is not known"


def _functional_groups(
    lookup: Lookup, groups: Sequence[Any], values: dict[str, str]
) -> dict[str, list[str]]:
    """Return the attributes that differ by frame; those that do not are added to ``values``.

    A frame's own groups come before the shared ones, and these before the attribute itself, if an
    image has it there too (PS3.3 C.7.6.16). Raises ``ValueError`` if a group is damaged.
    """
    if (shared := next(checked_items(lookup(_SHARED_GROUPS)), None)) is not None:
        values |= _group_values(shared)
    found = [_group_values(group) for group in groups]
    frames = {}
    for keyword in dict.fromkeys(key for group in found for key in group):
        texts = [group.get(keyword, "") for group in found]
        if len({*texts}) > 1:
            frames[keyword] = [text or values.get(keyword, "") for text in texts]
        else:
            values[keyword] = texts[0]
    return frames


def _dose_planes(values: dict[str, str]) -> dict[str, list[str]]:
    """Return the positions of a dose's planes, from their offsets along the normal.

    The offsets begin with 0, or with the z of the first plane (PS3.3 C.8.8.3.2); what counts either
    way is how far they are from the first.
    """
    offsets = floats(values.get("GridFrameOffsetVector", ""))
    position = floats(values.get("ImagePositionPatient", ""))
    cosines = floats(values.get("ImageOrientationPatient", ""))
    if len(offsets) < 2 or len(position) != 3 or len(cosines) != 6:
        return {}
    (a, b, c), (d, e, f) = cosines[:3], cosines[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    places = (
        [x + n * (offset - offsets[0]) for x, n in zip(position, normal, strict=True)]
        for offset in offsets
    )
    return {"ImagePositionPatient": ["\\".join(map(repr, place)) for place in places]}


def _group_values(group: Any) -> dict[str, str]:
    """Return the attributes in the functional groups of a frame, or in those that all share."""
    values: dict[str, str] = {}
    for macro in tuple(group.keys()):
        if macro >> 16 & 1:  # private: Philips repeats a whole old-style header there
            continue
        element = group.get_item(macro)
        is_known = known_vr(macro) == "SQ"
        item = next(checked_items(element), None) if is_known else first_item(element)
        if item is not None:
            _add_values(item, values)
            if (direction := first_item(item.get_item(_GRADIENT_DIRECTIONS))) is not None:
                _add_values(direction, values)
            if (unit := first_item(item.get_item(_MEASUREMENT_UNITS))) is not None:
                values[MEASUREMENT_UNITS] = text_of(unit.get_item, _CODE_VALUE)  # UCUM
    return values


def _add_values(item: Any, values: dict[str, str]) -> None:
    for tag in tuple(item.keys()):
        keyword = image_tags().get(tag)
        if keyword and keyword not in values and (text := text_of(item.get_item, tag)):
            values[keyword] = text
