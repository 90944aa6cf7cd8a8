"""Whether the pixels of an image may show names, as far as its modality and its metadata tell.

Few files have Burned In Annotation (PS3.3 C.7.6.1.1.5). Without it, what was captured from a screen
is not believed to be free of names, whatever its modality: dose reports of CT, results of perfusion
and fusion, pages of a workstation are Secondary Captures or "screen saves" with the modality of the
scan, and most have the patient's name in a corner. So may images in colors, which no CT, MR or PET
scanner takes.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..dicom_index.headers.uids import SECONDARY_CAPTURE_IMAGE

# Ultrasound, endoscopy, photographs, and what was captured from a screen or scanned from paper.
_OFTEN_ANNOTATED = frozenset({"US", "IVUS", "ES", "GM", "XC", "OP", "SC", "OT", "DOC", "SR", ""})
_SCREENS = ("SCREEN", "CAPTURE")
_GRAY = frozenset({"", "MONOCHROME1", "MONOCHROME2"})


def may_show_names(modality: str | None, metadata: Mapping[str, str]) -> bool:
    """Whether the pixels of an image may show names.

    ``modality`` is a defined term of DICOM, empty if it is not known, or None if the list is where
    that was looked at.
    """
    says = metadata.get("BurnedInAnnotation", "").strip().upper()
    if says in ("YES", "NO"):
        return says == "YES"
    is_often = modality is not None and modality.strip().upper() in _OFTEN_ANNOTATED
    return is_often or _is_capture(metadata)


def _is_capture(metadata: Mapping[str, str]) -> bool:
    # By its SOP class, or one of the multi-frame kinds 1 to 4 of that (PS3.4 B.5).
    sop_classes = metadata.get("SOPClassUID", "").split("\\")  # of several files
    image_type = metadata.get("ImageType", "").upper()
    photometric = metadata.get("PhotometricInterpretation", "").strip().upper()
    return (
        any(f"{uid.strip()}.".startswith(f"{SECONDARY_CAPTURE_IMAGE}.") for uid in sop_classes)
        or any(word in image_type for word in _SCREENS)
        or photometric not in _GRAY
    )
