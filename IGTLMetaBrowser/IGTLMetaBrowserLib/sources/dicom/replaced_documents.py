"""Which documents a DICOM document has replaced: plans (SR) and segmentations.

A structured report names them in its Predecessor Documents Sequence (PS3.3 C.17.2). A segmentation
is an image, which has no such attribute: it names the one that it was made from in its Source Image
Sequence (C.12.4), with a purpose of our own, as CID 7202 has none for it and may be extended.

Nothing keeps two users from replacing one document: then both of theirs are valid, and it is said.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ... import codec
from ...dicom_index.fields import without_padding
from ...dicom_index.headers.limited_file import open_limited
from ...dicom_index.headers.whole_dataset import read_whole
from ...person_names import are_several_names
from ...system_errors import reason_of
from .volumes.places import are_several_issuers

if TYPE_CHECKING:
    from pydicom import Dataset

_logger = logging.getLogger(__name__)

CODING_SCHEME = "99IGTLMETA"
REPLACED = "REPLACED"

# Who has made a document, as far as one says it: reports (C.17.2), segmentations (C.8.20.2), any.
_AUTHORS = (
    ("AuthorObserverSequence", "PersonName"),
    ("VerifyingObserverSequence", "VerifyingObserverName"),
)
_NAMES = ("ContentCreatorName", "OperatorsName")
_READ = (
    "SOPInstanceUID", "PatientID", "PatientName", "IssuerOfPatientID", "SourceImageSequence",
    "ContentDate", "ContentTime", *_NAMES,
)  # fmt: skip
_MOST_CHARACTERS = 64
_MOST_RIVALS = 3

Key = tuple[str, str]
"""Of a document: its patient's ID and its UID. Nobody's is replaced by another patient's."""


@dataclass(frozen=True)
class DocumentVersion:
    """A document among those that may have replaced each other.

    ``replaced`` are the UIDs of those that are no longer valid, as it says; ``origin`` says when,
    and by whom, it was made. ``is_empty``: that nothing is planned any more.
    ``issuer`` is that of the patient's ID, ``name`` the patient's. ``unread`` is why nothing of
    this is known of one that cannot be read, and ``may_be_read_later`` whether that may pass.
    """

    uid: str = ""
    patient_id: str = ""
    replaced: Sequence[str] = ()
    origin: str = ""
    is_empty: bool = False
    issuer: str = ""
    name: str = ""
    unread: str = ""
    may_be_read_later: bool = False

    @property
    def key(self) -> Key:
        return self.patient_id, self.uid

    @property
    def replaced_keys(self) -> list[Key]:
        return [(self.patient_id, uid) for uid in self.replaced]


def document_version(document: Dataset, is_empty: bool = False) -> DocumentVersion:
    """Return what a document says of itself, and of those that it has replaced."""
    return DocumentVersion(
        str(document.SOPInstanceUID),
        without_padding(str(document.get("PatientID") or "")),
        replaced_by(document),
        _origin(document),
        is_empty,
        without_padding(str(document.get("IssuerOfPatientID") or "")),
        without_padding(str(document.get("PatientName") or "")),
    )


def is_of_other_id(one: DocumentVersion, other: DocumentVersion) -> bool:
    """Whether documents are of different patients by their IDs, and who has given these."""
    return one.patient_id != other.patient_id or are_several_issuers((one.issuer, other.issuer))


def is_of_other_patient(one: DocumentVersion, other: DocumentVersion) -> bool:
    """Whether documents are of different patients, by the ID or by the name: neither replaces the
    other, whatever they say.
    """
    return is_of_other_id(one, other) or are_several_names((one.name, other.name))


def replaced_by(document: Dataset) -> list[str]:
    """Return the UIDs of the documents that one says are no longer valid."""
    studies = document.get("PredecessorDocumentsSequence") or []
    series = [one for study in studies for one in study.get("ReferencedSeriesSequence") or []]
    references = [one for each in series for one in each.get("ReferencedSOPSequence") or []]
    references += [one for one in document.get("SourceImageSequence") or [] if _is_replaced(one)]
    return [str(reference.ReferencedSOPInstanceUID) for reference in references]


def version_in(path: Path) -> DocumentVersion:
    """Return what a segmentation in a file says; that it is unread, if it cannot be read."""
    try:
        with open_limited(path) as file:
            document = read_whole(file, stop_before_pixels=True, specific_tags=[*_READ])
            return document_version(document)
    except Exception as error:  # a broken file raises anything
        return unread_version(path, error)


def unread_version(path: Path, error: Exception) -> DocumentVersion:
    """Return that a document could not be read, for this reason, which is logged."""
    _logger.warning("what %s has replaced is not known: %s", path.name, reason_of(error))
    is_of_system = isinstance(error, (OSError, MemoryError))
    return DocumentVersion(unread=reason_of(error), may_be_read_later=is_of_system)


def notice_of_unread(versions: Iterable[DocumentVersion]) -> str:
    """Return what is to be known of all that is valid, if a document could not be read."""
    why = next((version.unread for version in versions if version.unread), "")
    return f"a document cannot be read, which may have replaced what is there: {why}" if why else ""


def replaced_keys(versions: Iterable[DocumentVersion]) -> set[Key]:
    """Return which documents are no longer valid.

    Not those that have replaced each other in a circle, or themselves, and that no other has
    replaced: nothing would be left of what they say.
    """
    versions = [*versions]
    known = {version.key: version for version in versions}
    gone = {key for version in versions for key in _replaced_keys_of(version, known)}
    valid = [version for version in versions if version.key not in gone]
    ended = _replaced_by(valid, known)
    circled = (
        key for key in gone - ended.keys() if key in known and key in _ancestors(known[key], known)
    )
    return gone.difference([*circled])


def conflict_notices(versions: Iterable[DocumentVersion], what: str) -> dict[Key, str]:
    """Return what is to be known of valid documents that have replaced the same one.

    Be it directly, or by others in between. ``what`` they are is a word for users. That nothing is
    planned any more is no rival of what was planned later in the place of its rival.
    """
    known = {version.key: version for version in versions}
    gone = replaced_keys(known.values())
    valid = [version for key, version in known.items() if key not in gone]
    heirs: dict[Key, list[DocumentVersion]] = {}  # by what they have replaced
    empty = [version for version in valid if version.is_empty]
    ends = {key: version for version in empty for key in _replaced_keys_of(version, known)}
    for version in valid:
        for key in () if version.is_empty else _ancestors(version, known):
            heirs.setdefault(key, []).append(version)
    notices = {}
    for version in valid:
        near = [heirs.get(key, ())[: _MOST_RIVALS + 1] for key in _ancestors(version, known)]
        rivals = {
            other.key: other
            for others in near
            for other in others
            if other != version and not is_of_other_patient(other, version)
        }
        ended = [ends[key] for key in _replaced_keys_of(version, known) if key in ends]
        if not version.is_empty and (rivals or ended):
            notices[version.key] = _notice(version, [*rivals.values()], ended, what)
    return notices


def _notice(
    version: DocumentVersion, rivals: list[DocumentVersion], ended: list[DocumentVersion], what: str
) -> str:
    own = f"this {what} ({version.origin})"
    if not rivals:
        return (
            f"{own} has replaced one of which another document ({ended[0].origin}) says that "
            "nothing is planned any more"
        )
    origins = ", ".join(other.origin for other in rivals[:_MOST_RIVALS])
    others = "another one" if len(rivals) == 1 else "others"
    return (
        f"{own} and {others} ({origins}) have replaced the same {what}: decide which of them "
        "counts, and remove what does not"
    )


def _ancestors(version: DocumentVersion, known: Mapping[Key, DocumentVersion]) -> dict[Key, None]:
    """Return all that a document has replaced, directly or by others in between."""
    return _replaced_by([version], known)


def _replaced_by(
    versions: Iterable[DocumentVersion], known: Mapping[Key, DocumentVersion]
) -> dict[Key, None]:
    found: dict[Key, None] = {}
    waiting = [key for version in versions for key in _replaced_keys_of(version, known)]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found[key] = None
            waiting += _replaced_keys_of(known[key], known) if key in known else ()
    return found


def _replaced_keys_of(version: DocumentVersion, known: Mapping[Key, DocumentVersion]) -> list[Key]:
    """Return what a document has replaced; nothing of a patient with another name."""
    return [
        key
        for key in version.replaced_keys
        if key not in known or not is_of_other_patient(version, known[key])
    ]


def _origin(document: Dataset) -> str:
    """Return when a document was made, and by whom, as far as it says so."""
    date, time = (str(document.get(f"Content{part}") or "") for part in ("Date", "Time"))
    if re.fullmatch(r"\d{8}", date):
        date = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if re.match(r"\d{6}", time):
        time = f"{time[:2]}:{time[2:4]}:{time[4:6]}"
    made = " ".join(filter(None, (date, time))) or "nobody says when"
    author = next(filter(None, _authors(document)), "")
    text = f"{made} by {author}" if author else made
    return codec.printable(text)[:_MOST_CHARACTERS]


def _authors(document: Dataset) -> Iterator[str]:
    for sequence, keyword in _AUTHORS:
        for item in document.get(sequence) or []:
            yield _name(item.get(keyword))
    for keyword in _NAMES:
        yield _name(document.get(keyword))


def _name(value: object) -> str:
    return " ".join(str(value or "").replace("^", " ").split())


def _is_replaced(reference: Dataset) -> bool:
    codes = reference.get("PurposeOfReferenceCodeSequence") or []
    return any(
        (code.get("CodeValue"), code.get("CodingSchemeDesignator")) == (REPLACED, CODING_SCHEME)
        for code in codes
    )
