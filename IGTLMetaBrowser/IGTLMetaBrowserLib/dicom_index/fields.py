r"""The DICOM metadata dictionary: the fields that say what an image is and what belongs to it.

The names are those of med-imagetools' dictionary of DICOM metadata; the values are DICOM's:

==========================  ========================================================================
field                       DICOM path (``[0]`` is the first item of a sequence); absent is empty
==========================  ========================================================================
patient_ID                  PatientID
study                       StudyInstanceUID
study_description           StudyDescription
series                      SeriesInstanceUID
series_description          SeriesDescription
subseries                   AcquisitionNumber; "default" if there is none
modality                    Modality
instances                   computed: how many files have this patient_ID, study and series
instance_uid                SOPInstanceUID
reference_ct                the image that this one belongs to, see below
reference_rs                the structure set, see below
reference_pl                the plan, see below
reference_frame             FrameOfReferenceUID, or else
                            ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
folder                      computed: the file's folder
file_path                   computed: the file
orientation                 ImageOrientationPatient, or else that of all frames of an image, or else
                            of its first: SharedFunctionalGroupsSequence[0] or
                            PerFrameFunctionalGroupsSequence[0] have it in
                            PlaneOrientationSequence[0]
orientation_type            AnatomicalOrientationType
MR_repetition_time          RepetitionTime, ms
MR_echo_time                EchoTime, ms
MR_scan_sequence            ScanningSequence
MR_magnetic_field_strength  MagneticFieldStrength, T
MR_imaged_nucleus           ImagedNucleus
roi_names                   StructureSetROISequence: the ROIName of each item
reference_ct_series         computed: the series in the folder that reference_ct names, itself or by
                            a file in it; empty if there is none. Likewise:
reference_rs_series
reference_pl_series
==========================  ========================================================================

The references. Each path is tried in this order whatever the modality is, since that may be absent
or wrong too; the first that leads to a value wins:

============  =================  ==========================================================  ======
field         found in           DICOM path                                                  names
============  =================  ==========================================================  ======
reference_ct  RTSTRUCT           ReferencedFrameOfReferenceSequence[0].                      series
                                 RTReferencedStudySequence[0].
                                 RTReferencedSeriesSequence[0].SeriesInstanceUID
reference_ct  SEG, REG           ReferencedSeriesSequence[0].SeriesInstanceUID               series
reference_ct  RTDOSE, PT, MR,    ReferencedImageSequence[0].ReferencedSOPInstanceUID         file
              CT
reference_ct  RTSTRUCT           ROIContourSequence[0].ContourSequence[0].                    file
                                 ContourImageSequence[0].ReferencedSOPInstanceUID
reference_ct  SR, KO             CurrentRequestedProcedureEvidenceSequence[0].               series
                                 ReferencedSeriesSequence[0].SeriesInstanceUID
reference_ct  REG, PR            StudiesContainingOtherReferencedInstancesSequence[0].       series
                                 ReferencedSeriesSequence[0].SeriesInstanceUID
reference_rs  RTPLAN, RTDOSE,    ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID  file
              SEG
reference_pl  RTDOSE, RTPLAN     ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID        file
============  =================  ==========================================================  ======

So a reference is a SeriesInstanceUID or a SOPInstanceUID, as the file has it; the fields that end
in ``_series`` have the series that is meant.

All values are texts as the file has them, without padding, several values joined by a backslash
(``1\0\0\0\1\0``); only ``instances`` is a number. Units and coordinates (orientation: LPS) are
those of DICOM PS3.3.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from .headers.sequence_items import items_in

if TYPE_CHECKING:
    from .headers.sequence_items import SequenceItem

FIELDS = (
    "patient_ID",
    "study",
    "study_description",
    "series",
    "series_description",
    "subseries",
    "modality",
    "instances",
    "instance_uid",
    "reference_ct",
    "reference_rs",
    "reference_pl",
    "reference_frame",
    "folder",
    "file_path",
    "orientation",
    "orientation_type",
    "MR_repetition_time",
    "MR_echo_time",
    "MR_scan_sequence",
    "MR_magnetic_field_strength",
    "MR_imaged_nucleus",
    "roi_names",
    "reference_ct_series",
    "reference_rs_series",
    "reference_pl_series",
)
REFERENCED_SERIES = FIELDS[-3:]
COMPUTED = ("instances", "folder", "file_path", *REFERENCED_SERIES)
KEYWORDS = {
    "patient_ID": "PatientID",
    "study": "StudyInstanceUID",
    "study_description": "StudyDescription",
    "series": "SeriesInstanceUID",
    "series_description": "SeriesDescription",
    "modality": "Modality",
    "reference_frame": "FrameOfReferenceUID",
    "orientation": "ImageOrientationPatient",
    "orientation_type": "AnatomicalOrientationType",
    "MR_repetition_time": "RepetitionTime",
    "MR_echo_time": "EchoTime",
    "MR_scan_sequence": "ScanningSequence",
    "MR_magnetic_field_strength": "MagneticFieldStrength",
    "MR_imaged_nucleus": "ImagedNucleus",
}
"""The fields that are one attribute, of all files of a series, by its keyword."""
NO_SUBSERIES = "default"

FIRST_TAG = 0x00010000
"""Files have no group 0000 (PS3.10 7.1): zeros behind the data, of which there can be gigabytes."""

# The tags by which the fields are found, under the keywords that the table above has (PS3.6).
SPECIFIC_CHARACTER_SET = 0x00080005
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
MODALITY = 0x00080060
_STUDY_DESCRIPTION = 0x00081030
_SERIES_DESCRIPTION = 0x0008103E
_REFERENCED_SERIES_SEQUENCE = 0x00081115
_STUDIES_CONTAINING_OTHER_REFERENCED_INSTANCES_SEQUENCE = 0x00081200
_REFERENCED_IMAGE_SEQUENCE = 0x00081140
_REFERENCED_SOP_INSTANCE_UID = 0x00081155
_PATIENT_ID = 0x00100020
_ANATOMICAL_ORIENTATION_TYPE = 0x00102210
_SCANNING_SEQUENCE = 0x00180020
_REPETITION_TIME = 0x00180080
_ECHO_TIME = 0x00180081
_IMAGED_NUCLEUS = 0x00180085
_MAGNETIC_FIELD_STRENGTH = 0x00180087
STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
_ACQUISITION_NUMBER = 0x00200012
_IMAGE_ORIENTATION_PATIENT = 0x00200037
FRAME_OF_REFERENCE_UID = 0x00200052
_PLANE_ORIENTATION_SEQUENCE = 0x00209116
CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE = 0x0040A375
REFERENCED_FRAME_OF_REFERENCE_SEQUENCE = 0x30060010
_RT_REFERENCED_STUDY_SEQUENCE = 0x30060012
_RT_REFERENCED_SERIES_SEQUENCE = 0x30060014
_CONTOUR_IMAGE_SEQUENCE = 0x30060016
STRUCTURE_SET_ROI_SEQUENCE = 0x30060020
_ROI_NAME = 0x30060026
ROI_CONTOUR_SEQUENCE = 0x30060039
_CONTOUR_SEQUENCE = 0x30060040
_REFERENCED_RT_PLAN_SEQUENCE = 0x300C0002
REFERENCED_STRUCTURE_SET_SEQUENCE = 0x300C0060
_SHARED_FUNCTIONAL_GROUPS_SEQUENCE = 0x52009229
_PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE = 0x52009230

_Path = tuple[int, ...]  # the tags of sequences, of which the first item is meant; then the value's

# All fields but the computed ones, in the order of FIELDS: where the value may be, best place first
PATHS: Mapping[str, tuple[_Path, ...]] = {
    "patient_ID": ((_PATIENT_ID,),),
    "study": ((STUDY_INSTANCE_UID,),),
    "study_description": ((_STUDY_DESCRIPTION,),),
    "series": ((SERIES_INSTANCE_UID,),),
    "series_description": ((_SERIES_DESCRIPTION,),),
    "subseries": ((_ACQUISITION_NUMBER,),),
    "modality": ((MODALITY,),),
    "instance_uid": ((SOP_INSTANCE_UID,),),
    "reference_ct": (
        (
            REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
            _RT_REFERENCED_STUDY_SEQUENCE,
            _RT_REFERENCED_SERIES_SEQUENCE,
            SERIES_INSTANCE_UID,
        ),
        (_REFERENCED_SERIES_SEQUENCE, SERIES_INSTANCE_UID),
        (_REFERENCED_IMAGE_SEQUENCE, _REFERENCED_SOP_INSTANCE_UID),
        (
            ROI_CONTOUR_SEQUENCE,
            _CONTOUR_SEQUENCE,
            _CONTOUR_IMAGE_SEQUENCE,
            _REFERENCED_SOP_INSTANCE_UID,
        ),
        (
            CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
            _REFERENCED_SERIES_SEQUENCE,
            SERIES_INSTANCE_UID,
        ),
        (
            _STUDIES_CONTAINING_OTHER_REFERENCED_INSTANCES_SEQUENCE,
            _REFERENCED_SERIES_SEQUENCE,
            SERIES_INSTANCE_UID,
        ),
    ),
    "reference_rs": ((REFERENCED_STRUCTURE_SET_SEQUENCE, _REFERENCED_SOP_INSTANCE_UID),),
    "reference_pl": ((_REFERENCED_RT_PLAN_SEQUENCE, _REFERENCED_SOP_INSTANCE_UID),),
    "reference_frame": (
        (FRAME_OF_REFERENCE_UID,),
        (REFERENCED_FRAME_OF_REFERENCE_SEQUENCE, FRAME_OF_REFERENCE_UID),
    ),
    "orientation": (
        (_IMAGE_ORIENTATION_PATIENT,),
        *(
            (groups, _PLANE_ORIENTATION_SEQUENCE, _IMAGE_ORIENTATION_PATIENT)
            for groups in (
                _SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
                _PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            )
        ),
    ),
    "orientation_type": ((_ANATOMICAL_ORIENTATION_TYPE,),),
    "MR_repetition_time": ((_REPETITION_TIME,),),
    "MR_echo_time": ((_ECHO_TIME,),),
    "MR_scan_sequence": ((_SCANNING_SEQUENCE,),),
    "MR_magnetic_field_strength": ((_MAGNETIC_FIELD_STRENGTH,),),
    "MR_imaged_nucleus": ((_IMAGED_NUCLEUS,),),
    "roi_names": ((STRUCTURE_SET_ROI_SEQUENCE, _ROI_NAME),),
}
TAGS = frozenset(path[0] for paths in PATHS.values() for path in paths)
"""The attributes of a dataset that the fields are made of."""

Lookup = Callable[[int], Any]
"""Finds an element by its tag: RawElement, pydicom's DataElement or RawDataElement, or None."""

# Value representations whose bytes are numbers, as ``struct`` reads them; others hold text.
_NUMBERS = {
    "US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d",
    "US or SS": "H",
}  # fmt: skip
_OF_ITEMS = (None, "SQ", "UN")  # VRs that a sequence can have
_NO_TEXTS = {"SQ", "AT", "OB", "OD", "OF", "OL", "OV", "OW"}
_NAME_DELIMITERS = {ord("^")}
_ESCAPE = 0x1B  # begins another character set, in ISO 2022
# No value that belongs into a field is nearly as long; a file can claim anything.
_LONGEST_VALUE = 16 << 10


def fields_by_lookup(lookup: Lookup) -> dict[str, str]:
    """Return the fields of a dataset, all but the computed ones, given how to find its elements."""
    fields = {}
    for field, paths in PATHS.items():
        texts = (_text_at(lookup, path) for path in paths)
        fields[field] = next(filter(None, texts), "")
    fields["roi_names"] = _roi_names(lookup)
    fields["subseries"] = fields["subseries"] or NO_SUBSERIES
    return fields


def text_of(lookup: Lookup, tag: int, vr: str | None = None) -> str:
    """Return the value of an attribute; one that is absent, or is no text or number, is empty.

    ``vr`` is that of a private attribute, in case the file does not say it.
    """
    element = lookup(tag)
    if element is None:
        return ""
    value = element.value
    if isinstance(value, bytes):
        vr = vr or known_vr(tag) if element.VR in (None, "UN") else element.VR
        if vr in _NUMBERS:
            numbers = _unpacked(value, _NUMBERS[vr], element.is_little_endian)
            return "\\".join(map(str, numbers or ()))
        if vr in _NO_TEXTS or len(value) > _LONGEST_VALUE:
            return ""
        value = _decoded(value, lookup, vr)
    if element.VR in _NO_TEXTS or value is None:
        return ""
    if not isinstance(value, str):
        value = "\\".join(map(str, value if isinstance(value, Sequence) else (value,)))
    return without_padding(value)


def without_padding(text: str) -> str:
    """Return the text of an attribute as it is compared, such as the ID of a patient.

    Spaces around each of its values do not count, nor NULs (PS3.5 6.2): archives keep or add some
    that files do not have.
    """
    if "\\" not in text:
        return text.strip(" \0")
    return "\\".join([part.strip(" \0") for part in text.split("\\")])


def _roi_names(lookup: Lookup) -> str:
    items = items_of(lookup(STRUCTURE_SET_ROI_SEQUENCE))
    return "\\".join(text_of(in_item(lookup, item), _ROI_NAME) for item in items)


def in_item(lookup: Lookup, item: SequenceItem) -> Lookup:
    """Return how to find what is in an item of a sequence of a dataset.

    If it does not name character sets, they are those of the dataset (PS3.5 6.1.2.5).
    """

    def find(tag: int) -> Any:
        element = item.get_item(tag)
        return lookup(tag) if element is None and tag == SPECIFIC_CHARACTER_SET else element

    return find


def _text_at(lookup: Lookup, path: _Path) -> str:
    *sequences, tag = path
    for sequence in sequences:
        item = first_item(lookup(sequence))
        if item is None:
            return ""
        lookup = item.get_item
    return text_of(lookup, tag)


def items_of(element: Any) -> Sequence[Any]:
    """Return the items of a sequence; none if the element is absent or is no sequence."""
    try:
        return [*_items_in(element)]
    except ValueError:
        return ()


def first_item(element: Any) -> Any:
    """Return the first item of a sequence, or None; others are not read."""
    try:
        return next(_items_in(element), None)
    except ValueError:
        return None


def checked_items(element: Any) -> Iterator[Any]:
    """Yield the items of a sequence without which an image would be another.

    Raises ``ValueError`` if there is an element that is no sequence, or is damaged.
    """
    if element is not None and element.VR not in _OF_ITEMS:
        raise ValueError("no sequence")
    yield from _items_in(element)


def _items_in(element: Any) -> Iterator[Any]:
    """Yield the items. Raises ``ValueError`` when the bytes of a sequence make no sense."""
    value = () if element is None else element.value
    if isinstance(value, bytes):
        if element.VR in _OF_ITEMS:
            yield from items_in(element)
    elif hasattr(value, "__len__") and all(hasattr(item, "get_item") for item in value[:1]):
        yield from value


def _unpacked(value: bytes, code: str, is_little_endian: bool) -> list[int | float] | None:
    """Return the numbers in bytes; None if these are of another length."""
    size = struct.calcsize(f"={code}")
    if not value or len(value) % size or len(value) > _LONGEST_VALUE:
        return None
    return [*struct.unpack(f"{'<' if is_little_endian else '>'}{len(value) // size}{code}", value)]


@cache
def known_vr(tag: int) -> str:
    """Return the VR that PS3.6 gives an attribute; an empty text if it has none."""
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


def _decoded(value: bytes, lookup: Lookup, vr: str | None) -> str:
    """Return bytes as text in the dataset's character sets; what is in none of them is U+FFFD."""
    if value.isascii() and _ESCAPE not in value:
        return value.decode("ascii")
    from pydicom.charset import convert_encodings, decode_bytes

    # In a name, each component and each spelling begins in the first set again (PS3.5 6.1.2.5.3).
    is_name = vr == "PN"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown character sets
        encodings = convert_encodings(_character_sets(lookup))
        spellings = value.split(b"=") if is_name else [value]
        text = "=".join(
            decode_bytes(part, encodings, _NAME_DELIMITERS if is_name else set())
            for part in spellings
        )
    return text.encode("utf-8", "replace").decode()


def _character_sets(lookup: Lookup) -> list[str]:
    element = lookup(SPECIFIC_CHARACTER_SET)
    value = element.value if element is not None else ""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    names = value.split("\\") if isinstance(value, str) else map(str, value or [""])
    return [name.strip(" \0") for name in names]
