"""An archive (PACS) as a source sees it: series that match a query, and their files.

``dicomweb`` and ``dimse`` are the two ways to one; ``source`` makes images of what comes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from ...net.source import SourceError

Query = Mapping[str, str]
"""Values by DICOM keywords, as in QIDO: with the wild cards * and ?, dates as ranges."""

Filters = Query | Callable[[], Query]
"""What of an archive may be seen at all; if that changes from day to day, what returns it."""

PATIENT_KEYWORDS = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
)  # fmt: skip
STUDY_KEYWORDS = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber",
    "ReferringPhysicianName", "StudyID",
)  # fmt: skip
STUDY_LEVEL = (*PATIENT_KEYWORDS, *STUDY_KEYWORDS)
"""What is the same for all series of a study."""
SERIES_KEYWORDS = (
    "SeriesInstanceUID", "Modality", "SeriesDescription", "SeriesNumber", "SeriesDate",
    "SeriesTime", "BodyPartExamined", "ProtocolName", "NumberOfSeriesRelatedInstances",
)  # fmt: skip
PLACE_KEYWORDS = ("ImagePositionPatient", "ImageOrientationPatient")
SIZE_KEYWORDS = ("Rows", "Columns", "BitsAllocated")
INSTANCE_KEYWORDS = ("SOPInstanceUID", "InstanceNumber", *PLACE_KEYWORDS, *SIZE_KEYWORDS)
"""What an instance is asked for before it is fetched: where it lies, and how large it is."""

# Modalities whose series are no images of the patient (PS3.3 C.7.3.1.1.1).
NOT_IMAGES = frozenset(
    (
        "AU", "DOC", "ECG", "EEG", "FID", "HD", "KER", "KO", "M3D", "PLAN", "PR", "REG", "RTPLAN",
        "RTRECORD", "RTSTRUCT", "RWV", "SEG", "SMR", "SR", "SRF", "STAIN", "TEXTUREMAP", "VA",
    )
)  # fmt: skip

PASSWORD_VARIABLE, TOKEN_VARIABLE = "IGTLMETA_ARCHIVE_PASSWORD", "IGTLMETA_ARCHIVE_TOKEN"
"""Where the command reads a secret: others see the command line of a process."""

KEYWORDS = (*STUDY_LEVEL, *SERIES_KEYWORDS)
"""What a list of series is asked for; and by what it can be searched."""

NAMES = ("PatientName", "ReferringPhysicianName")

# Of an archive that does not say how many there are, or says too much, so many are taken; one that
# does may have got some.
_MOST_FILES = 100_000
_MORE = 2
# A series that was listed while it was being acquired may have many times as many by now.
_FEWEST_FILES = 5_000

CLOSED = "this program ends"
"""Why what is asked for comes no more, when an archive is closed."""

MOST_OF_STUDY = 1000
"""Series. Of a study all are needed: one that is missing may have replaced another."""

LARGEST_SERIES = 64 << 30
"""Bytes. A larger one would fill the disk, and has no image that fits into a message."""

LARGEST_FILE = 8 << 30
"""Bytes. Pixels that are not compressed have at most 4 GB (PS3.5 7.1)."""

SECONDS_TO_LOOK = 30.0
"""In which an archive looks for what it was asked for, besides the silence that is allowed."""

SLOWEST_BYTES_A_SECOND = 4 << 10
"""With less, nobody fetches images: 100 slices of CT would take 3 hours."""

_MOST_DIGITS = 12  # of an integer string (PS3.5 6.2)
LONGEST_PATTERN = 512
"""Characters; a name has three groups of 64 (PS3.5 6.2), each of which can have a wild card."""


class ArchiveError(SourceError):
    """An archive does not give what it was asked for; the text says why and what to try."""


class BrokenOffError(ArchiveError):
    """The connection to an archive has ended too early: asked again, it may give the whole."""


class RoomForPart(Protocol):
    """Where one part is received."""

    content: Any
    """What is yielded of the part, when it is whole."""

    def buffers(self) -> Iterable[memoryview]:
        """Yield what its bytes go into, one behind the other: each when the last is filled."""
        ...


FindRoom = Callable[[memoryview], RoomForPart | None]
"""Given memory as large as a part, it returns where that is received; None: just there."""


@dataclass(frozen=True)
class Series:
    """One series of an archive's list: its attributes by their keywords, absent ones missing."""

    attributes: Mapping[str, str]

    def __getitem__(self, keyword: str) -> str:
        return self.attributes.get(keyword, "")

    @property
    def uid(self) -> str:
        """Its SeriesInstanceUID."""
        return self["SeriesInstanceUID"]

    @property
    def belongs_to(self) -> tuple[str, str]:
        """Whose it is, and its study: no UID of a series has two of these."""
        return self["PatientID"], self["StudyInstanceUID"]

    @property
    def count(self) -> int | None:
        """How many instances the archive says it has; None if it does not say."""
        return parsed_number(self["NumberOfSeriesRelatedInstances"])

    @cached_property
    def version(self) -> Hashable:
        """What is another if the archive has other files of it, or another's."""
        keywords = ("StudyInstanceUID", "PatientID", "IssuerOfPatientID", "PatientName")
        return (self.uid, self.count, *(self[keyword] for keyword in keywords))


def parsed_number(text: str) -> int | None:
    """Return what an archive says that something is the number of; None if it is no number."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


class QueryResult(list[Series]):
    """Series that match a query; ``is_cut``: the archive has more, which it does not give.

    ``ambiguous`` are the UIDs that are left out, as the archive has them more than once.
    """

    def __init__(
        self, series: Iterable[Series] = (), is_cut: bool = False, ambiguous: Set[str] = frozenset()
    ) -> None:
        super().__init__(series)
        self.is_cut = is_cut
        self.ambiguous = ambiguous

    def is_same(self, other: QueryResult) -> bool:
        """Whether another has the same series, and the same is known of it."""
        about = (self.is_cut, self.ambiguous)
        return about == (other.is_cut, other.ambiguous) and self == other


def require_all(found: QueryResult, archive: Archive) -> QueryResult:
    """Return the series of a study. Raises ``ArchiveError`` if the archive has more of them."""
    if found.is_cut or len(found) > MOST_OF_STUDY:
        raise ArchiveError(
            f"{archive.name} lists {len(found)} series of a study, and has more: whether one of "
            "its plans or segmentations has replaced another is not known. Ask who runs the "
            "archive whether it limits what it lists"
        )
    if found.ambiguous:
        raise ArchiveError(
            f"{archive.name} has series of a study of several patients under one UID: whether one "
            "of its plans or segmentations has replaced another is not known. Ask who runs the "
            "archive"
        )
    return found


def most_files(series: Series) -> int:
    """Return how many files of a series are taken: of what never ends, the disk would be full."""
    return max(_FEWEST_FILES, _MORE * min(series.count or _MOST_FILES, _MOST_FILES))


class Archive(Protocol):
    """Where series are found. Its methods block, and are called by threads, several at a time."""

    name: str
    """Its address, as it is named in messages."""
    is_instance_soon: bool
    """Whether one instance that is asked for comes sooner than the first of a whole series."""
    is_connecting: bool
    """Whether a connection is being made, or its name looked up: ``close`` does not end that."""

    def find(self, query: Query, most: int) -> QueryResult:
        """Return the series that match, at most so many. Raises ``ArchiveError``."""
        ...

    def instance(self, series: Series, number: int) -> Mapping[str, str]:
        """Return the attributes of the instance of a series with this InstanceNumber.

        They are of ``INSTANCE_KEYWORDS``, as far as the archive says. Raises ``ArchiveError``, also
        if there is none or are several.
        """
        ...

    def fetch(
        self,
        series: Series,
        write: Callable[[Any], None],
        instance: str = "",
        find_room: FindRoom | None = None,
    ) -> None:
        """Call ``write`` with the bytes of each file (PS3.10), or of that of one instance.

        They are ``bytes``, a ``memoryview``, or the content of the room that ``find_room`` has
        given for them, if the archive says how large a file is before it comes. Raises
        ``ArchiveError``.
        """
        ...

    def store(self, files: Sequence[bytes]) -> None:
        """Store files (PS3.10). Raises ``ArchiveError`` if it has not taken them all."""
        ...

    def close(self) -> None:
        """Have all that is asked end soon, from another thread: it raises ``ArchiveError``."""
        ...
