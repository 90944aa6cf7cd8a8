"""An archive that a test lets send one file after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

from pydicom import Dataset

from helpers.peers import PATIENCE
from IGTLMetaBrowserLib.sources.archive.archive import (
    ArchiveError,
    BrokenOffError,
    Query,
    QueryResult,
    Series,
)
from IGTLMetaBrowserLib.sources.archive.dicomweb.multipart import FindRoom


class PacedArchive:
    """An archive with one series, which sends as many files as it is let."""

    name = "a paced archive"
    is_instance_soon = is_connecting = False

    def __init__(self, slices: Sequence[Dataset]) -> None:
        self.slices = list(slices)
        self.breaks_off_at = 0
        self.says_where = True
        self.told_size: Mapping[str, str] = {}
        self.listed_count = 0  # 0: as many as there are
        self._permits = threading.Semaphore(0)

    def let(self, count: int) -> None:
        """Let so many files more be sent."""
        self._permits.release(count)

    def close(self) -> None:
        """Nothing: the test lets all files be sent."""

    def find(self, query: Query, most: int) -> QueryResult:
        first = self.slices[0]
        keywords = (
            "PatientName", "PatientID", "IssuerOfPatientID", "StudyInstanceUID",
            "SeriesInstanceUID", "Modality",
        )  # fmt: skip
        listed = {keyword: str(first.get(keyword, "")) for keyword in keywords}
        count = str(self.listed_count or len(self.slices))
        return QueryResult([Series({**listed, "NumberOfSeriesRelatedInstances": count})])

    def instance(self, series: Series, number: int) -> Mapping[str, str]:
        number = min(number, len(self.slices))
        if not self.says_where:
            raise ArchiveError("it does not say")
        (found,) = [one for one in self.slices if one.InstanceNumber == number]
        return {
            "SOPInstanceUID": found.SOPInstanceUID,
            "ImagePositionPatient": "\\".join(map(str, found.ImagePositionPatient)),
            "ImageOrientationPatient": "\\".join(map(str, found.ImageOrientationPatient)),
            **self.told_size,
        }

    def fetch(
        self,
        series: Series,
        write: Callable,
        instance: str = "",
        find_room: FindRoom | None = None,
    ) -> None:
        for number, one in enumerate(self.slices):
            if instance and one.SOPInstanceUID != instance:
                continue
            if not instance:
                assert self._permits.acquire(timeout=PATIENCE)
                if number + 1 == self.breaks_off_at:
                    self.breaks_off_at = 0
                    raise BrokenOffError("it has broken off")
            write(received(content_of(one), None if instance else find_room))


def received(content: bytes, find_room: FindRoom | None) -> object:
    """Put a file where it is to be received, as a connection does."""
    memory = memoryview(bytearray(len(content)))
    room = None if find_room is None else find_room(memory)
    for buffer in (memory,) if room is None else room.buffers():
        buffer[:], content = content[: len(buffer)], content[len(buffer) :]
    return memory if room is None else room.content


def content_of(dataset: Dataset) -> bytes:
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
