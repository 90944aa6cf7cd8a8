"""A large CT: the demo's head phantom on another grid, with the noise of a real scanner."""

from __future__ import annotations

import numpy as np

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.demo import DemoSource

SIZE = (512, 512, 300)  # i, j, k: 157 MB
# Hounsfield units: about that of a head CT with a slice thickness of 1 mm.
_NOISE = 12.0


class LargeCT:
    """A ``net.Source`` of one image, and of the same one under another id."""

    ids = ("CT", "CT_2")

    def __init__(self, size: tuple[int, int, int] = SIZE) -> None:
        self._size = size
        self._image = large_ct(size)

    def images(self) -> list[codec.ImageMetaItem]:
        scalar_type = codec.ScalarType.of(self._image.pixels.dtype)
        fields = {"modality": "CT", "size": self._size, "scalar_type": scalar_type}
        fields |= {"patient_name": "Sheplogan, Vira", "patient_id": "DEMO-0001"}
        return [codec.ImageMetaItem("CT head", image_id, **fields) for image_id in self.ids]

    def image(self, _image_id: str) -> codec.ImageMessage:
        return self._image

    def image_version(self, _image_id: str) -> int:
        return 0

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []


def large_ct(size: tuple[int, int, int] = SIZE) -> codec.ImageMessage:
    """Return the CT, int16, of so many voxels along i, j, k."""
    demo = DemoSource().image("DEMO_CT")
    counts = demo.pixels.shape[::-1]
    rows = [np.arange(n) * count // n for n, count in zip(size, counts, strict=True)]
    pixels = np.empty(size[::-1], np.int16)
    random = np.random.default_rng(1)
    for k, source in enumerate(rows[2]):
        plane = demo.pixels[source].take(rows[0], axis=1).take(rows[1], axis=0)
        noise = _NOISE * random.standard_normal(plane.shape, np.float32)
        pixels[k] = plane + noise.astype(np.int16)
    scale = np.diag([*np.divide(counts, size), 1.0])
    return codec.ImageMessage.from_ijk_to_ras(pixels, demo.ijk_to_ras() @ scale)
