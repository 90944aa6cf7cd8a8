"""Which texts of an image tell nothing of whose it is, and so are sent by a de-identified server.

Notices are sentences of our own sources, with numbers in them: that a slice is missing, that the
pixels are not in mm. Who does not know that may measure wrong. Those with any other word in them
than theirs are left out: a structure's name, a path, a patient's ID.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SIZE_MARKS = (" (mm not known)", " (mm at detector)")
_TEXT = """
    a alone along an and another apart are around as at axis back be belong between beyond by
    bytes cannot changes columns cut degrees detector differ does each end epi_pepolar exchanged
    files film follow frames from front gantry ge has have high i image images in inside
    interpolation is it its j k known label lies linear magnification map matrix may missing mm
    more moved ms no normal not nothing of off offered on once one only or order other parts
    patient pixel pixelaspectratio place position qform resampled research reverse rows s same
    says sequence sform shown size slice slices smaller so space spacing tells than that the their
    there they third tilted time to together twice unknown up upright used volume voxels which
    wide without x y z
"""
_WORDS = frozenset(_TEXT.split())
# Defined terms of Modality (DICOM PS3.3 C.7.3.1.1.1), and what other systems say for them.
_MODALITIES = frozenset(
    """
    ANGIO AR AU BI BMD CBCT CFM CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID FL FLUORO
    FS GM HC HD IO IOL IVOCT IVUS KER KO LEN LP LS M3D MG MR MRI NM OAM OCT OP OPM OPT OPTBSV
    OPTENF OPV OSS OT PA PET PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD
    RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SPECT SR SRF STAIN TEXTUREMAP TG US VA VIDEO XA XC
    XRAY
    """.split()  # noqa: SIM905
)
# Defined terms of the other technical attributes that are kept (PS3.3 C.7.6.3, C.8.3.1).
_TERMS = frozenset(
    """
    1H 3HE 7LI 13C 19F 23NA 31P 129XE ARGB CMYK EP FIDUCIAL GEOMETRY GR HSV IR MONOCHROME1
    MONOCHROME2 NO PALETTE_COLOR RGB RM SE XYB YBR_FULL YBR_FULL_422 YBR_ICT YBR_PARTIAL_420
    YBR_PARTIAL_422 YBR_RCT YES
    """.split()  # noqa: SIM905
)
_NUMBER = re.compile(r"[-+]?(\d{1,5}(\.\d*)?|\.\d+)([eE][-+]?\d{1,2})?")
# Of the protocol's description of POINT and TRAJ.
_GROUPS = frozenset(
    ("Fiducial", "Fiducials", "Labeled Point", "Landmark", "Landmarks", "Trajectory")
)
# Of a date, a time or an ID.
_LONG_NUMBER = re.compile(r"\d{6}")


def kept_notices(text: str) -> str:
    """Return the sentences, separated by semicolons, that are made of our own words only."""
    return "; ".join(filter(_is_ours, text.split("; ")))


def kept_mark(name: str) -> str:
    """Return what a list's name says of the pixels' size at its end, or nothing."""
    return next((mark for mark in _SIZE_MARKS if name.endswith(mark)), "")


def is_technical(text: str) -> bool:
    """Whether the values of an attribute are numbers and defined terms: any text can be in a file.

    Several values have backslashes between them.
    """
    values = [value.strip() for value in text.split("\\")]
    return all(
        not value
        or _NUMBER.fullmatch(value)
        or value.upper().replace(" ", "_") in _TERMS
        or is_modality(value)
        for value in values
    )


def is_modality(text: str) -> bool:
    """Whether a text says by what an image was taken, and nothing else."""
    return text.strip().upper() in _MODALITIES


def is_group(text: str) -> bool:
    """Whether a text is a kind of points or trajectories."""
    return text in _GROUPS


def kept_values(unit: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return the values by which a sequence is ordered: of texts their numbers, from 1."""
    if unit and all(map(_is_number, values)):
        return tuple(values)
    return tuple(str(number) for number, _ in enumerate(values, start=1))


def _is_ours(sentence: str) -> bool:
    words = re.findall(r"[^\W\d]+", sentence.lower())
    return bool(words) and _WORDS.issuperset(words) and not _LONG_NUMBER.search(sentence)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,5}(\.\d+)?", text) is not None
