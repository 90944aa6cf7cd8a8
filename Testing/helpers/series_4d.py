"""A 4D series of the patient who is there now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from helpers.peers import make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.list_metadata.image_sequences import ImageSequence

IDS = ("TIME_0", "TIME_1", "TIME_2")
SMITH, JONES = ("P-1", "Smith"), ("P-2", "Jones")


class Series4d:
    """A 4D series of the patient who is there now; each image of another shade."""

    def __init__(self) -> None:
        self.patient, self.shade = SMITH, 10
        self.planned: Sequence[codec.TrajectoryItem] = ()

    def next_patient(self) -> None:
        self.patient, self.shade = JONES, 50

    def images(self) -> list[codec.ImageMetaItem]:
        patient_id, name = self.patient
        rest = {"size": (4, 3, 2), "scalar_type": codec.ScalarType.UINT16}
        return [
            codec.ImageMetaItem("Perfusion", one, "MR", name, patient_id, **rest) for one in IDS
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        metadata = dict(zip(("PatientID", "PatientName"), self.patient, strict=True))
        image = make_image(self.shade + IDS.index(image_id), device_name=image_id)
        return replace(image, header_version=2, metadata=metadata)

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        return self.planned

    def sequences(self) -> list[ImageSequence]:
        return [ImageSequence(IDS, "time", "s", ("0", "1", "2"))]
