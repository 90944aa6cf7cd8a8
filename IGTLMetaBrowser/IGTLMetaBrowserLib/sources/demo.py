"""A source that needs no files: a head phantom in three contrasts, and trajectories planned inside
it.

The three images show one patient in one frame of reference, each on its own grid, as three scanners
would: an axial CT, an oblique sagittal MR and an axial PET. So a trajectory planned on one of them
fits the others too. The bright ball on the skin is at the patient's left (see ``phantom``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from .. import codec
from ..net.source import NotReadyError, SourceError
from ..turns import at_once
from . import phantom

SIZE = (256, 256, 128)
# Neither part is a word: if patients are hidden, their names are left out of all texts, and of
# "CT head" only "CT (hidden)" would be left if the patient were called Head.
PATIENT_NAME = "Sheplogan, Vira"
PATIENT_ID = "DEMO-0001"

RED = (230, 60, 50, 255)
BLUE = (60, 120, 230, 255)
GREEN = (50, 180, 80, 255)
YELLOW = (240, 200, 40, 255)

# Direction cosines (RAS) of the i, j and k axes, as columns; both triples are right-handed.
AXIAL = np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])  # left, posterior, superior
SAGITTAL = np.array(
    [[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]
)  # posterior, inferior, right


@dataclass(frozen=True)
class DemoImage:
    """One of the demo's images: what it is called, and where its scanner put the voxels.

    ``directions`` (3, 3) holds the axes as columns, ``spacing`` (i, j, k) is in mm, ``center`` is
    the RAS mm of the volume's center, ``edge`` the scanner's sharpness in mm.
    """

    id: str
    name: str
    modality: str
    scan_time: datetime
    dtype: np.dtype
    directions: np.ndarray
    spacing: tuple[float, float, float]
    center: tuple[float, float, float]
    edge: float

    def ijk_to_ras(self) -> np.ndarray:
        """The affine (4, 4) from voxel index (i, j, k) to RAS mm of the voxel's center."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.directions * self.spacing
        matrix[:3, 3] = self.center - matrix[:3, :3] @ ((np.array(SIZE) - 1) / 2)
        return matrix

    def pixels(self) -> np.ndarray:
        """The voxels, shape (k, j, i)."""
        pixels = self.blank_pixels()
        at_once(self.paint(pixels))
        return pixels

    def blank_pixels(self) -> np.ndarray:
        """Memory for the voxels, shape (k, j, i), to be filled by ``paint``."""
        return np.empty(SIZE[::-1], self.dtype)

    def paint(self, pixels: np.ndarray) -> Iterator[None]:
        """Fill ``pixels``, shape (k, j, i), a slice at a time."""
        volume = np.empty(SIZE[::-1], np.float32) if self.dtype != np.float32 else pixels
        yield from phantom.paint_head(volume, self.modality, self.ijk_to_ras(), self.edge)
        if volume is not pixels:
            for k, values in enumerate(volume):
                pixels[k] = np.rint(values)
                yield

    def item(self) -> codec.ImageMetaItem:
        """The line in the server's listing."""
        return codec.ImageMetaItem(
            name=self.name,
            id=self.id,
            modality=self.modality,
            patient_name=PATIENT_NAME,
            patient_id=PATIENT_ID,
            scan_time=codec.Timestamp.from_datetime(self.scan_time),
            size=SIZE,
            scalar_type=codec.ScalarType.of(self.dtype),
        )


class DemoSource:
    """Offers the phantom's images, computed when first asked for and then kept, and its
    trajectories.

    Computing one takes some tenths of a second. ``seconds_a_turn``, for a server that must not
    keep others waiting that long, is after how many ``image`` asks for another turn.
    """

    def __init__(self, seconds_a_turn: float | None = None) -> None:
        self._images = {image.id: image for image in demo_images()}
        self._listing = tuple(image.item() for image in self._images.values())
        self._pixels: dict[str, np.ndarray] = {}
        self._seconds_a_turn = seconds_a_turn
        self._unfinished: dict[str, tuple[np.ndarray, Iterator[None]]] = {}

    def images(self) -> Sequence[codec.ImageMetaItem]:
        return self._listing

    def image(self, image_id: str) -> codec.ImageMessage:
        """The image of that id; its pixels are shared with later answers and cannot be written to.

        Raises ``SourceError`` for an unknown id, ``NotReadyError`` if another turn is needed.
        """
        image = self._images.get(image_id)
        if image is None:
            raise SourceError(
                f"There is no image with the ID {image_id!r}; "
                f"the demo offers {', '.join(self._images)}."
            )
        if image_id not in self._pixels:
            self._pixels[image_id] = self._compute(image)
        return codec.ImageMessage.from_ijk_to_ras(
            self._pixels[image_id],
            image.ijk_to_ras(),
            device_name=image_id,
            timestamp=codec.Timestamp.from_datetime(image.scan_time),
        )

    def image_version(self, image_id: str) -> int:
        """The same for ever: the server keeps the bytes of an image that it has packed."""
        return 0

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        return demo_trajectories()

    def _compute(self, image: DemoImage) -> np.ndarray:
        """Return an image's pixels, or go on computing them. Raises ``NotReadyError``."""
        if image.id not in self._unfinished:
            blank = image.blank_pixels()
            self._unfinished[image.id] = blank, image.paint(blank)
        pixels, painting = self._unfinished[image.id]
        begin = time.monotonic()
        for _ in painting:
            if self._seconds_a_turn is not None and time.monotonic() - begin > self._seconds_a_turn:
                raise NotReadyError
        del self._unfinished[image.id]
        pixels.setflags(write=False)
        return pixels


def demo_images() -> list[DemoImage]:
    """The three images that ``DemoSource`` offers, in the order of its list."""
    return [
        DemoImage(
            id="DEMO_CT",
            name="CT head",
            modality="CT",
            scan_time=datetime(2024, 5, 14, 8, 30, tzinfo=timezone.utc),
            dtype=np.dtype(np.int16),
            directions=AXIAL,
            spacing=(0.9375, 0.9375, 1.6),
            center=(0.0, 0.0, 0.0),
            edge=1.0,
        ),
        DemoImage(
            id="DEMO_MR",
            name="MR head T1, oblique sagittal",
            modality="MR",
            scan_time=datetime(2024, 5, 14, 10, 15, 20, tzinfo=timezone.utc),
            dtype=np.dtype(np.uint16),
            directions=_rotation(about_right=5.0, about_superior=-8.0) @ SAGITTAL,
            spacing=(1.0, 1.0, 1.4),
            center=(-1.0, 4.0, -3.0),
            edge=1.2,
        ),
        DemoImage(
            id="DEMO_PT",
            name="PET head FDG",
            modality="PT",
            scan_time=datetime(2024, 5, 15, 13, 5, 40, tzinfo=timezone.utc),
            dtype=np.dtype(np.float32),
            directions=AXIAL,
            spacing=(1.25, 1.25, 1.75),
            center=(2.0, -4.0, 3.0),
            edge=6.0,
        ),
    ]


def demo_trajectories() -> list[codec.TrajectoryItem]:
    """Trajectories through the phantom: entries on the skin, targets in what they are named after
    (RAS mm)."""
    tumor = phantom.TUMOR.center
    left_horn, right_horn = (-30.0, 22.0, -20.0), (29.0, 20.0, -20.0)
    left_deep, right_deep = (-12.0, -6.0, 2.0), (12.0, -6.0, 2.0)
    return [
        _line("Tumor biopsy", "Biopsy", RED, tumor, (0.5, -0.45, 0.74), 2.0, "DEMO_MR"),
        _line(
            "Left ventricle drain", "Drainage", BLUE, left_horn, (-0.15, 0.5, 0.85), 4.0, "DEMO_CT"
        ),
        _line(
            "Right ventricle drain", "Drainage", BLUE, right_horn, (0.15, 0.5, 0.85), 3.0, "DEMO_CT"
        ),
        _line("Left electrode", "Electrodes", GREEN, left_deep, (-0.4, 0.55, 0.73), 1.3, "DEMO_MR"),
        _line(
            "Right electrode", "Electrodes", GREEN, right_deep, (0.4, 0.55, 0.73), 1.3, "DEMO_MR"
        ),
        codec.TrajectoryItem(
            name="Highest uptake",
            group="PET findings",
            type=codec.TrajectoryType.TARGET,
            rgba=YELLOW,
            entry=(0.0, 0.0, 0.0),
            target=tumor,
            diameter=0.0,
            owner="DEMO_PT",
        ),
        codec.TrajectoryItem(
            name="Left burr hole",
            group="Drainage",
            type=codec.TrajectoryType.ENTRY,
            rgba=YELLOW,
            entry=phantom.skin_point(left_horn, (-0.6, 0.4, 0.7)),
            target=(0.0, 0.0, 0.0),
            diameter=1.0,
            owner="DEMO_CT",
        ),
    ]


def _line(
    name: str,
    group: str,
    rgba: tuple[int, int, int, int],
    target: tuple[float, float, float],
    outwards: tuple[float, float, float],
    diameter: float,
    owner: str,
) -> codec.TrajectoryItem:
    """A trajectory to ``target`` that enters where the ray from there along ``outwards`` leaves the
    head."""
    return codec.TrajectoryItem(
        name=name,
        group=group,
        type=codec.TrajectoryType.ENTRY_AND_TARGET,
        rgba=rgba,
        entry=phantom.skin_point(target, outwards),
        target=target,
        diameter=diameter,
        owner=owner,
    )


def _rotation(about_right: float, about_superior: float) -> np.ndarray:
    """The rotation (3, 3) in RAS by ``about_right`` and then ``about_superior`` degrees."""
    c, s = np.cos(np.radians(about_right)), np.sin(np.radians(about_right))
    pitch = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    c, s = np.cos(np.radians(about_superior)), np.sin(np.radians(about_superior))
    yaw = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return yaw @ pitch
