"""The document that a new one replaces: found in the archive, and checked.

How a document names it, ``dicom.replaced_documents`` says.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...dicom_index.limited_file import open_limited
from ...dicom_index.whole_dataset import read_whole
from ...net.source import SourceError
from ..archive.archive import Archive, Series
from ..dicom.replaced_documents import CODING_SCHEME, REPLACED, replaced_by

if TYPE_CHECKING:
    from pydicom import Dataset

_MEANING = "Replaced segmentation"
_MOST_SERIES = 1000


def find_predecessor(
    archive: Archive, images: Sequence[Dataset], uid: str, modality: str
) -> Dataset:
    """Return a document of this modality (SR, SEG) in the study of these images, with its pixels.

    Raises ``SourceError`` if it is not there, or if another document has replaced it already: both
    would then be valid.
    """
    document, latest = find_latest(archive, images, uid, modality)
    if latest is not document:
        raise _replaced_meanwhile(uid)
    return document


def find_latest(
    archive: Archive, images: Sequence[Dataset], uid: str, modality: str
) -> tuple[Dataset, Dataset]:
    """Return a document as ``find_predecessor`` does, and the one that is valid in its place now.

    That is itself if no other has replaced it. Raises ``SourceError`` if it is not there, or if
    several have replaced it.
    """
    query = {"StudyInstanceUID": str(images[0].StudyInstanceUID), "Modality": modality}
    documents: dict[str, Dataset] = {}
    found_in: dict[str, Series] = {}
    for series in archive.find(query, _MOST_SERIES):
        if series["Modality"] == modality:
            archive.fetch(series, lambda content: _add(documents, content, uid))
            found_in |= {one: series for one in documents if one not in found_in}
    if uid not in documents:
        raise SourceError(
            f"{archive.name} does not have the document {uid}, which is to be replaced, in the "
            "study of the images; get the list from it again"
        )
    document, latest = documents[uid], _latest(documents, uid)
    if latest == uid:
        return document, document
    archive.fetch(found_in[latest], lambda content: _add(documents, content, latest))
    return document, documents[latest]  # with its pixels, too


def _latest(documents: Mapping[str, Dataset], uid: str) -> str:
    """Return the document at the end of the chain of those that replace each other."""
    replaced = {one: {*replaced_by(document)} for one, document in documents.items()}
    chain = [uid]
    while following := [one for one in replaced if one not in chain and chain[-1] in replaced[one]]:
        if len(following) > 1:  # which of them is valid, nobody knows
            raise _replaced_meanwhile(uid)
        chain += following
    return chain[-1]


def _replaced_meanwhile(uid: str) -> SourceError:
    return SourceError(
        f"the document {uid} was replaced meanwhile, by somebody else perhaps; get what there is "
        "now, and change that"
    )


def check_predecessor(document: Dataset, new: Dataset) -> None:
    """Raise ``SourceError`` unless a document may be replaced by a new one."""
    if document.get("SOPClassUID") != new.SOPClassUID:
        raise SourceError("the document to be replaced is of another kind than the new one")
    if document.get("PatientID") != new.get("PatientID"):
        raise SourceError("the document to be replaced is of another patient than the images")
    if document.get("StudyInstanceUID") != new.StudyInstanceUID:
        raise SourceError("the document to be replaced is of another study than the images")


def name_as_replaced(segmentation: Dataset, predecessor: Dataset) -> None:
    """Name in a segmentation the one that it replaces. Raises ``SourceError``."""
    from pydicom import Dataset

    check_predecessor(predecessor, segmentation)
    if predecessor.get("FrameOfReferenceUID") != segmentation.FrameOfReferenceUID:
        raise SourceError("the segmentation to be replaced is of another frame of reference")
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = REPLACED, CODING_SCHEME
    purpose.CodeMeaning = _MEANING
    reference = Dataset()
    reference.ReferencedSOPClassUID = predecessor.SOPClassUID
    reference.ReferencedSOPInstanceUID = predecessor.SOPInstanceUID
    reference.PurposeOfReferenceCodeSequence = [purpose]
    segmentation.SourceImageSequence = [reference]
    _add_to_references(segmentation, predecessor)


def _add(documents: dict[str, Dataset], content: bytes | memoryview, wanted: str) -> None:
    """Add a document; without its pixels unless it is the one that is wanted."""
    try:
        document = read_whole(open_limited(content), stop_before_pixels=True)
        if document.SOPInstanceUID == wanted:
            document = read_whole(io.BytesIO(content))
        documents[str(document.SOPInstanceUID)] = document
    except Exception as error:  # a broken file raises anything
        raise SourceError(f"a document of the study cannot be read: {error}") from error


def _add_to_references(segmentation: Dataset, predecessor: Dataset) -> None:
    """List it among the instances that are referenced (Common Instance Reference, C.12.2)."""
    from pydicom import Dataset

    instance = Dataset()
    instance.ReferencedSOPClassUID = predecessor.SOPClassUID
    instance.ReferencedSOPInstanceUID = predecessor.SOPInstanceUID
    series = Dataset()
    series.SeriesInstanceUID = predecessor.SeriesInstanceUID
    series.ReferencedInstanceSequence = [instance]
    known = segmentation.get("ReferencedSeriesSequence") or []
    segmentation.ReferencedSeriesSequence = [*known, series]
