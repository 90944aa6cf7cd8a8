"""What a document says of patient and study: what its images say (PS3.3 C.7.1.1 and C.7.2.1).

highdicom takes it from an image, and makes no document of one that says what no file may. There are
such files: from before DICOM, from converters, or with what somebody has typed. What can be read is
written as it is written today; the rest is left empty, as what is not known (type 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset

CHARACTER_SET = "ISO_IR 192"
"""Of documents: names of patients and structures may be in any alphabet."""

_DATES, _TIMES = ("PatientBirthDate", "StudyDate"), ("StudyTime",)
_REQUIRED = (
    "PatientName", "PatientID", *_DATES, "PatientSex", *_TIMES, "ReferringPhysicianName", "StudyID",
    "AccessionNumber",
)  # fmt: skip
_CHECKED = ("PatientName", "PatientSex", *_DATES, *_TIMES)
_DAY = re.compile(r"\d{8}", re.ASCII)
_OLD_DAY = re.compile(r"(\d{4})\.(\d{2})\.(\d{2})", re.ASCII)
_OLD_TIME = re.compile(r"(\d{2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?", re.ASCII)
_SEXES = {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F", "O": "O", "OTHER": "O"}


def with_required(image: Dataset) -> Dataset:
    """Return an image with what documents take from it, as highdicom takes it.

    Those attributes may be empty but not absent, and in many files they are.
    """
    from pydicom import Dataset
    from pydicom.datadict import dictionary_VR

    # Not by update(), which decodes each of its elements: of 300 images, that takes seconds.
    complete = Dataset(dict(image.items()))
    complete.set_original_encoding(*image.original_encoding, image.original_character_set)
    for keyword in _REQUIRED:
        if keyword not in complete:
            setattr(complete, keyword, None)
    for keyword in _CHECKED:
        value = image.get(keyword)
        if value and (valid := _valid(keyword, value)) != value:
            # Not by its name, as its element, which would be changed, is the image's, too.
            complete.add_new(keyword, dictionary_VR(keyword), valid)
    # As the document will: of those of Japan and Korea ("\\ISO 2022 IR 87"), highdicom takes none.
    complete.add_new("SpecificCharacterSet", "CS", CHARACTER_SET)
    return complete


def left_empty(document: Dataset, images: Iterable[Dataset]) -> list[str]:
    """Return the keywords of what images say, and their document does not."""
    said = {keyword for image in images for keyword in _CHECKED if image.get(keyword)}
    return [keyword for keyword in _CHECKED if keyword in said and not document.get(keyword)]


def _valid(keyword: str, value: Any) -> Any:
    """Return what an image says as a file may have it; nothing if that cannot be.

    Before DICOM, dates were written with points, and times with colons (PS3.5 6.2, the notes on DA
    and TM).
    """
    from pydicom.multival import MultiValue
    from pydicom.valuerep import DA, TM

    if isinstance(value, MultiValue):
        return None
    text = str(value).strip()
    try:
        if keyword in _DATES:
            text = _OLD_DAY.sub(r"\1\2\3", text)
            return text if _DAY.fullmatch(text) and DA(text) else None
        if keyword in _TIMES:
            text = _OLD_TIME.sub(r"\1\2\3", text)
            return text if TM(text) is not None else None
    except ValueError:
        return None
    return _SEXES.get(text.upper()) if keyword == "PatientSex" else value
