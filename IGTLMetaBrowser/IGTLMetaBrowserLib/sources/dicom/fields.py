"""Attributes of DICOM headers as the fields of an OpenIGTLink listing.

Texts of IMGMETA are whole: the server cuts them (``net.list_metadata.whole_texts``).
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from datetime import datetime, timedelta, timezone

from ... import codec
from ...codec.header import MADE_ID_SIZE
from ...dicom_index.fields import KEYWORDS
from ...dicom_index.headers.image_header import MEASUREMENT_UNITS
from ...dicom_index.rows import Row
from .files import Frame
from .volumes.stacks import Stack

NAME_BYTES = 63
LARGEST_SIZE = 65535  # voxels along an axis in IMGMETA, LBMETA and IMAGE
# Voxels of a volume that no frame has: a few frames, far from each other or tilted, could make
# volumes of any size otherwise. A segmentation of one slice in a CT of 1000 has as many.
_MOST_EMPTY = 1 << 28

# What metadata tell of an image, besides the dictionary's fields: what its values mean.
_OTHER_KEYWORDS = (
    "BurnedInAnnotation", "PhotometricInterpretation", "Units", "DoseUnits", "DoseType",
    "DoseSummationType",
)  # fmt: skip
_OLD_DATE = re.compile(r"^(\d{4})\.(\d{2})\.(\d{2})")
_MOMENT = re.compile(r"\d{4}(\d{2}){0,5}(\.\d+)?([+-]\d{4})?", re.ASCII)
# And how it came to be: of all its files, as one of a capture may be among those of a scanner.
_ORIGIN_KEYWORDS = ("SOPClassUID", "ImageType")
# Of the dictionary, which files they are, and where.
_PLACES = ("folder", "file_path")


def image_id(uid: str) -> str:
    """The id under which a series (or, given its SOPInstanceUID, a slice) is offered.

    19 characters, A-Z and 2-7: the start of the UID's SHA-256 in base 32. So it stays the same from
    one run, server and folder to the next, and among a million series the chance that two share one
    is below 1 in 10^16.
    """
    return base64.b32encode(hashlib.sha256(uid.encode()).digest()).decode("ascii")[:MADE_ID_SIZE]


def volume_id(series_uid: str, instance: str, frame: int) -> str:
    """The id of one of several volumes of a series, by its first frame, from 0 in its instance."""
    return image_id(f"{series_uid} {instance} {frame}")


def why_too_large(size: tuple[int, int, int], frames: int, area: int) -> str:
    """Return why there cannot be a volume of so many voxels; empty if there can.

    It is made of so many ``frames``, each of which has ``area`` pixels.
    """
    if max(size) > LARGEST_SIZE:
        return f"too large for OpenIGTLink: {size} voxels"
    if math.prod(size) - frames * area > _MOST_EMPTY:
        return f"its {frames} frames make a volume of {size} voxels, most of which are empty"
    return ""


def cut_name(name: str) -> str:
    """The name of a label map, shortened if needed.

    It has one byte less than its place on the wire, because the reference library reads a name that
    fills its place as empty.
    """
    return codec.cut_text(name, NAME_BYTES).rstrip()


def series_name(frame: Frame) -> str:
    """What the series is called: its description, else the protocol's name, else its modality and
    number."""
    for keyword in ("SeriesDescription", "ProtocolName"):
        if text := frame.get(keyword):
            return text
    number = frame.get("SeriesNumber")
    modality = frame.get("Modality") or "Series"
    return f"{modality} series {number}" if number else modality


def person_name(frame: Frame) -> str:
    """The patient as "Family, Given", in the alphabet of the file's first spelling of the name."""
    name = frame.get("PatientName")
    first_spelling = next((part for part in name.split("=") if part.strip("^ ")), "")
    family, given, middle, *_ = [*(part.strip() for part in first_spelling.split("^")), "", "", ""]
    return ", ".join(part for part in (family, f"{given} {middle}".strip()) if part)


def scan_time(frame: Frame) -> codec.Timestamp:
    """When the image was acquired, or else its series or study began; 0 if the file does not say.

    Times are local ones (PS3.3 C.12.1.1.8, and C.12.1 for TimezoneOffsetFromUTC): if neither the
    value nor that attribute gives the offset, they are taken to be in this computer's time zone.
    """
    offset = _offset(frame.get("TimezoneOffsetFromUTC"))
    moments = [frame.get("AcquisitionDateTime")]
    for event in ("Acquisition", "Series", "Study"):
        date, time = frame.get(f"{event}Date"), frame.get(f"{event}Time")
        moments.append(date and f"{date}{time}")
    for moment in moments:
        parsed = _parse(moment, offset)
        if parsed and parsed.timestamp() >= 0:
            return codec.Timestamp.from_datetime(parsed)
    return codec.Timestamp(0)


def listing_item(
    frame: Frame, name: str, item_id: str, size: tuple[int, int, int], scalar_type: codec.ScalarType
) -> codec.ImageMetaItem:
    """The line in a listing for an image that begins with ``frame``."""
    return codec.ImageMetaItem(
        name=name,
        id=item_id,
        modality=frame.get("Modality"),
        patient_name=person_name(frame),
        patient_id=frame.get("PatientID"),
        scan_time=scan_time(frame),
        size=size,
        scalar_type=scalar_type,
    )


def metadata(stack: Stack, fields: Row) -> dict[str, str]:
    """What a version-2 message tells of the image beside its pixels, given its dictionary's fields.

    These come under their own names and, if they are one attribute, under its DICOM keyword too,
    which is what other programs look for. What is not known is left out, and so is where the files
    are: that is no client's business.
    """
    first = stack.frames[0]
    values = {keyword: fields.get(field, "") for field, keyword in KEYWORDS.items()}
    for keyword in _OTHER_KEYWORDS:
        values[keyword] = first.get(keyword)
    values["BurnedInAnnotation"] = _burned_in(stack)
    for keyword in _ORIGIN_KEYWORDS:
        values[keyword] = "\\".join(_values_of_files(stack, keyword))
    values["Units"] = values["Units"] or first.get(MEASUREMENT_UNITS)
    values |= _calibration(stack)
    values["Position"] = stack.position
    values["Notice"] = "; ".join(stack.notices)
    values |= _sequence(stack)
    values |= {field: value for field, value in fields.items() if field not in _PLACES}
    return {key: str(value) for key, value in values.items() if value}


def _burned_in(stack: Stack) -> str:
    """Return whether names may be in the pixels: YES if any file says so, NO if all say that."""
    said = {text.strip().upper() for text in _values_of_files(stack, "BurnedInAnnotation")}
    if "YES" in said or len(said) == 1:
        return "YES" if "YES" in said else said.pop()
    return ""


def _values_of_files(stack: Stack, keyword: str) -> list[str]:
    """Return the different values that the files of an image have for a shared attribute."""
    headers = {id(header.shared): header for header in (one.file.header for one in stack.frames)}
    return [*dict.fromkeys(header.get(keyword) for header in headers.values())]


def _sequence(stack: Stack) -> dict[str, str]:
    """Return which volume of a sequence this is; nothing if it is of none."""
    place = stack.sequence
    if place is None:
        return {}
    return {
        "Sequence": image_id(place.key),
        "SequenceNumber": str(place.number + 1),
        "SequenceLength": str(len(place.index.values)),
        "SequenceIndexName": place.index.name,
        "SequenceIndexUnit": place.index.unit,
        "SequenceIndexValue": place.index.values[place.number],
    }


def _calibration(stack: Stack) -> dict[str, str]:
    """Return the attributes of PS3.3 10.7 that say by what rule the pixels are so large."""
    first, size = stack.frames[0], stack.pixel_size
    values = {
        keyword: first.get(keyword)
        for keyword in (
            "PixelSpacingCalibrationType",
            "PixelSpacingCalibrationDescription",
            "ImagerPixelSpacing",
            "EstimatedRadiographicMagnificationFactor",
        )
    }
    if size.is_known and size.rule != "PixelSpacing":
        values["PixelSpacing"] = f"{size.rows:g}\\{size.columns:g}"
        values["PixelSpacingCalibrationDescription"] = size.rule
        if "Magnification" in size.rule:
            values["PixelSpacingCalibrationType"] = "GEOMETRY"
    return values


def _parse(moment: str, offset: timezone | None) -> datetime | None:
    """A DICOM date and time ("20240514", "20240514083000.5", "...+0200"), or None if it is none.

    Before DICOM, they were written with points and colons (PS3.5 6.2, the notes on DA and TM).
    pydicom (3.0) reads the beginning of what it does not understand, such as the year.
    """
    from pydicom.valuerep import DT

    moment = _OLD_DATE.sub(r"\1\2\3", moment).replace(":", "")
    if not _MOMENT.fullmatch(moment):
        return None
    try:
        parsed = DT(moment)
    except (ValueError, OverflowError):
        return None
    if not parsed:
        return None
    if parsed.tzinfo:
        return parsed
    try:
        return parsed.replace(tzinfo=offset) if offset else parsed.astimezone()
    except (OSError, OverflowError, ValueError):  # before what the system's clock knows
        return None


def _offset(text: str) -> timezone | None:
    """The offset "+HHMM" as a time zone; None if it is absent or none."""
    if len(text) != 5 or text[0] not in "+-" or not text[1:].isdigit():
        return None
    minutes = int(text[1:3]) * 60 + int(text[3:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
