"""Which documents a DICOM document has replaced: plans (SR) and segmentations.

A structured report names them in its Predecessor Documents Sequence (PS3.3 C.17.2). A segmentation
is an image, which has no such attribute: it names the one that it was made from in its Source Image
Sequence (C.12.4), with a purpose of our own, as CID 7202 has none for it and may be extended.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ...dicom_index.limited_file import open_limited
from ...dicom_index.whole_dataset import read_whole

if TYPE_CHECKING:
    from pydicom import Dataset

_logger = logging.getLogger(__name__)

CODING_SCHEME = "99IGTLMETA"
REPLACED = "REPLACED"


def replaced_by(document: Dataset) -> list[str]:
    """Return the UIDs of the documents that one says are no longer valid."""
    studies = document.get("PredecessorDocumentsSequence") or []
    series = [one for study in studies for one in study.get("ReferencedSeriesSequence") or []]
    references = [one for each in series for one in each.get("ReferencedSOPSequence") or []]
    references += [one for one in document.get("SourceImageSequence") or [] if _is_replaced(one)]
    return [str(reference.ReferencedSOPInstanceUID) for reference in references]


def replaced_in(path: Path) -> list[str]:
    """Return the same of a segmentation in a file; nothing, and a warning, if it cannot be read."""
    try:
        with open_limited(path) as file:
            tags = ["SourceImageSequence"]
            document = read_whole(file, stop_before_pixels=True, specific_tags=tags)
            return replaced_by(document)
    except Exception as error:  # a broken file raises anything
        _logger.warning("what %s has replaced is not known: %s", path.name, error)
        return []


def _is_replaced(reference: Dataset) -> bool:
    codes = reference.get("PurposeOfReferenceCodeSequence") or []
    return any(
        (code.get("CodeValue"), code.get("CodingSchemeDesignator")) == (REPLACED, CODING_SCHEME)
        for code in codes
    )
