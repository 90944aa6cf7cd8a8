"""What the servers offer that the tests of the window browse."""

from __future__ import annotations

import numpy as np

from IGTLMetaBrowserLib import codec, net


class SmallSource:
    """Four small images and three trajectories; the third image cannot be read."""

    ids = ("A", "B", "BROKEN", "D")

    def images(self) -> list[codec.ImageMetaItem]:
        return [
            codec.ImageMetaItem(
                name=f"Image {image_id}",
                id=image_id,
                modality="CT" if image_id == "A" else "MR",
                patient_name="Phantom",
                patient_id="P1",
                scan_time=codec.Timestamp.from_seconds(1.7e9 + 60 * number),
                size=(4, 3, 2 + number),
                scalar_type=codec.ScalarType.INT16,
            )
            for number, image_id in enumerate(self.ids)
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == "BROKEN":
            raise net.SourceError("slice 7 of BROKEN is missing")
        k = 2 + self.ids.index(image_id)
        return codec.ImageMessage(np.arange(k * 12, dtype=np.int16).reshape(k, 3, 4))

    def trajectories(self) -> list[codec.TrajectoryItem]:
        both, entry = codec.TrajectoryType.ENTRY_AND_TARGET, codec.TrajectoryType.ENTRY
        return [
            codec.TrajectoryItem("Line 1", "Group", both, entry=(1, 2, 3), target=(4, 5, 6)),
            codec.TrajectoryItem("Line 2", "Group", both, entry=(3, 2, 1), target=(6, 5, 4)),
            codec.TrajectoryItem("Point", "Group", entry, entry=(7, 8, 9)),
        ]


class LargeSource:
    """One image of 157 MB, which takes many turns of the event loop to arrive."""

    def images(self) -> list[codec.ImageMetaItem]:
        return [
            codec.ImageMetaItem(
                name="Large", id="LARGE", size=(512, 512, 300), scalar_type=codec.ScalarType.UINT16
            )
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        return codec.ImageMessage(np.zeros((300, 512, 512), np.uint16))

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []
