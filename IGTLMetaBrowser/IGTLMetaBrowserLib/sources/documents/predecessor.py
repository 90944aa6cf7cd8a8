"""The document that a new one replaces: found in the archive, and checked.

How a document names it, ``dicom.replaced_documents`` says.
"""

from __future__ import annotations

import io
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from ...dicom_index.headers.limited_file import open_limited
from ...dicom_index.headers.whole_dataset import read_whole
from ...net.source import SourceError
from ...system_errors import reason_of
from ..archive.archive import MOST_OF_STUDY, Archive, Series, require_all
from ..dicom.replaced_documents import (
    CODING_SCHEME,
    REPLACED,
    document_version,
    is_of_other_id,
    is_of_other_patient,
    replaced_by,
)

if TYPE_CHECKING:
    from pydicom import Dataset

_MEANING = "Replaced segmentation"


class DocumentsOfStudy:
    """The documents of a modality (SR, SEG) that an archive has in the study of these images.

    They are asked for by each method, as others may store some at any time; fetched are those that
    were not there before. All methods raise ``SourceError``.
    """

    def __init__(self, archive: Archive, images: Sequence[Dataset], modality: str) -> None:
        self._archive = archive
        self._query = {"StudyInstanceUID": str(images[0].StudyInstanceUID), "Modality": modality}
        # By their UIDs; without pixels, but for those that were wanted.
        self._documents: dict[str, Dataset] = {}
        self._found_in: dict[str, Series] = {}
        self._fetched: set[Hashable] = set()

    def predecessor(self, uid: str) -> Dataset:
        """Return a document, with its pixels.

        Raises also if another document has replaced it already: both would then be valid.
        """
        self._update(uid)
        self._require(uid)
        self._check_valid(uid)
        return self._documents[uid]

    def with_latest(self, uid: str) -> tuple[Dataset, Dataset]:
        """Return a document, and the one that is valid in its place now: itself, perhaps.

        Both are with their pixels. Raises also if several have replaced it.
        """
        self._update(uid)
        self._require(uid)
        document, latest = self._documents[uid], self._latest(uid)
        if latest == uid:
            return document, document
        self._fetch(self._found_in[latest], latest)  # with its pixels, too
        return document, self._documents[latest]

    def check_valid(self, uid: str) -> None:
        """Raise ``SourceError`` if another document has replaced this one, which may be unknown."""
        self._update()
        self._check_valid(uid)

    def rivals(self, document: Dataset) -> list[Dataset]:
        """Return the documents that have replaced the same as this one, alone in its series."""
        self._update(without=str(document.SeriesInstanceUID))
        replaced = {*replaced_by(document)}
        return [
            other
            for other in self._documents.values()
            if replaced & {*replaced_by(other)} and not _is_of_other_patient(other, document)
        ]

    def _update(self, wanted: str = "", without: str = "") -> None:
        found = self._archive.find(self._query, MOST_OF_STUDY + 1)
        for series in require_all(found, self._archive):
            version = series.version
            is_known = version in self._fetched or series.uid == without
            if series["Modality"] != self._query["Modality"] or is_known:
                continue
            self._fetch(series, wanted)
            self._fetched.add(version)

    def _fetch(self, series: Series, wanted: str) -> None:
        def add(content: bytes | memoryview) -> None:
            document = _read(content, wanted)
            self._documents[str(document.SOPInstanceUID)] = document
            self._found_in.setdefault(str(document.SOPInstanceUID), series)

        self._archive.fetch(series, add)

    def _require(self, uid: str) -> None:
        if uid not in self._documents:
            raise SourceError(
                f"{self._archive.name} does not have the document {uid}, which is to be replaced, "
                "in the study of the images; get the list from it again"
            )

    def _check_valid(self, uid: str) -> None:
        if self._following(uid):
            raise _replaced_meanwhile(uid)

    def _latest(self, uid: str) -> str:
        """Return the document at the end of the chain of those that replace each other."""
        chain = [uid]
        while following := [one for one in self._following(chain[-1]) if one not in chain]:
            if len(following) > 1:  # which of them is valid, nobody knows
                raise _replaced_meanwhile(uid)
            chain += following
        return chain[-1]

    def _following(self, uid: str) -> list[str]:
        before = self._documents.get(uid)
        return [
            one
            for one, document in self._documents.items()
            if uid in replaced_by(document)
            and (before is None or not _is_of_other_patient(document, before))
        ]


def _read(content: bytes | memoryview, wanted: str) -> Dataset:
    """Return a document; without its pixels unless it is the one that is wanted."""
    try:
        document = read_whole(open_limited(content), stop_before_pixels=True)
        is_wanted = document.SOPInstanceUID == wanted
        return read_whole(io.BytesIO(content)) if is_wanted else document
    except Exception as error:  # a broken file raises anything
        words = f"a document of the study cannot be read: {reason_of(error)}"
        raise SourceError(words) from error


def _replaced_meanwhile(uid: str) -> SourceError:
    return SourceError(
        f"the document {uid} was replaced meanwhile, by somebody else perhaps; get what there is "
        "now, and change that"
    )


def _is_of_other_patient(one: Dataset, other: Dataset) -> bool:
    return is_of_other_patient(document_version(one), document_version(other))


def check_predecessor(document: Dataset, new: Dataset) -> None:
    """Raise ``SourceError`` unless a document may be replaced by a new one."""
    if document.get("SOPClassUID") != new.SOPClassUID:
        raise SourceError("the document to be replaced is of another kind than the new one")
    versions = document_version(document), document_version(new)
    if is_of_other_id(*versions):
        raise SourceError("the document to be replaced is of another patient than the images")
    if is_of_other_patient(*versions):
        raise SourceError(
            "the document to be replaced is of another patient than the images, by the name; "
            "correct the one that is wrong, or leave that document as it is"
        )
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
