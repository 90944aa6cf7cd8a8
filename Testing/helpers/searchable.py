"""A source that searches, as an archive does: of its images a list has only some."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np

from IGTLMetaBrowserLib import codec, net

KEYWORDS = ("PatientName", "PatientID", "Modality", "StudyDate", "SeriesDescription")
ENTRIES = [
    codec.ImageMetaItem("CT head", "CT", "CT", "Doe, Jane", "4711"),
    codec.ImageMetaItem("MR head", "MR", "MR", "Doe, Jane", "4711"),
    codec.ImageMetaItem("CT liver", "LIVER", "CT", "Smith, John", "4712"),
]
MORE = "These are 3 series; the archive has more that match"


class Searchable:
    """Answers a search for a patient's name; ``searches`` are all that it was asked, in order.

    While ``may_answer`` is not set, searches are not answered; ``default`` is the list without one.
    """

    search_keywords = KEYWORDS

    def __init__(self) -> None:
        self.default: Sequence[codec.ImageMetaItem] = ENTRIES
        self.searches: list[dict[str, str]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.error = ""
        self._waiting: dict[str, str] | None = None

    def images(self) -> Sequence[codec.ImageMetaItem]:
        return self.search({})[0]

    def search(self, attributes: Mapping[str, str]) -> tuple[Sequence[codec.ImageMetaItem], str]:
        query = dict(attributes)
        if query != self._waiting:
            self.searches.append(query)
        self._waiting = None
        if query and not self.may_answer.is_set():
            self._waiting = query
            raise net.NotReadyError(0.01)
        if self.error and attributes:
            raise net.SourceError(self.error)
        if not attributes:
            return self.default, MORE
        name = attributes.get("PatientName", "").strip("*").replace("*", ", ")
        return [entry for entry in ENTRIES if name.lower() in entry.patient_name.lower()], ""

    def image(self, image_id: str) -> codec.ImageMessage:
        return codec.ImageMessage(np.zeros((2, 3, 4), np.int16))

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []
