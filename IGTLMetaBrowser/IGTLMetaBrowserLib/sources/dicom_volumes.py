"""DICOM frames into stacks that have one place in space: whole volumes, or else single slices.

highdicom decides whether frames form a regular volume, and where it lies. Its tolerance for a
stacking direction that is not the slices' normal is 2.5 degrees, which moves the far end of a head
by 8 mm; so here each slice must also lie within half a pixel of the place that the volume gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .dicom_files import Frame

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

# i to the right along a row, j down a column, k along their cross product, as DICOM orders slices.
# highdicom's own order, ("D", "R"), is that of numpy and runs the other way along k.
INDEX_CONVENTION = "RD"

# Attributes in which frames at one and the same place differ, in the order in which they are tried.
REPEATED_BY = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "EchoNumbers",
    "EchoTime",
    "EffectiveEchoTime",
    "DiffusionBValue",
    "ImageType",
    "FrameType",
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "AcquisitionNumber",
)


@dataclass(frozen=True, eq=False)
class Stack:
    """Frames that make one image, in the order of k.

    ``ijk_to_ras`` (4, 4) takes a voxel index to the RAS mm of the voxel's centre; where
    ``has_position`` is False the files say nothing of the place, and the image lies axially with
    its first voxel in the origin.
    """

    frames: tuple[Frame, ...]
    ijk_to_ras: np.ndarray
    has_position: bool = True

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        header = self.frames[0].header
        return (int(header.Columns), int(header.Rows), len(self.frames))


def stack_frames(frames: Sequence[Frame]) -> tuple[list[Stack], list[str]]:
    """Make stacks of one series' frames; the second value says why they are not one volume.

    Raises ``ValueError`` where an orientation is none.
    """
    stacks: list[Stack] = []
    reasons: list[str] = []
    groups = _groups_on_one_grid(frames)
    if len(groups) > 1:
        reasons.append(
            f"offered in parts: its frames are of {len(groups)} orientations, sizes or types"
        )
    for group in groups:
        _check_orientation(group[0])
        if len(group) == 1:
            stacks.append(_single(group[0]))
            continue
        volumes = _volumes(group)
        if not volumes:
            reasons.append(f"offered slice by slice: {_why_no_volume(group)}")
            volumes = [_single(frame) for frame in _in_order(group)]
        stacks += volumes
    return stacks, reasons


def _groups_on_one_grid(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Split frames by matrix, pixel type, orientation, pixel size and frame of reference."""
    groups: list[list[Frame]] = []
    for frame in frames:
        for group in groups:
            if _same_grid(group[0], frame):
                group.append(frame)
                break
        else:
            groups.append([frame])
    return groups


def _same_grid(first: Frame, second: Frame) -> bool:
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"):
        if first.get(keyword) != second.get(keyword):
            return False
    if _has_position(first) != _has_position(second):
        return False
    if not _has_position(first):
        return True
    ours = _orientation(first) + _pixel_spacing(first)
    theirs = _orientation(second) + _pixel_spacing(second)
    return first.get("FrameOfReferenceUID") == second.get("FrameOfReferenceUID") and all(
        abs(a - b) <= 1e-4 for a, b in zip(ours, theirs, strict=True)
    )


def _check_orientation(frame: Frame) -> None:
    """highdicom makes a matrix without inverse of an orientation that spans no plane."""
    if _has_position(frame):
        axes = np.reshape(_orientation(frame), (2, 3))
        if not np.allclose(axes @ axes.T, np.eye(2), atol=0.01):
            values = _orientation(frame)
            raise ValueError(
                f"ImageOrientationPatient {values} is not two perpendicular unit vectors"
            )


def _volumes(frames: Sequence[Frame]) -> list[Stack]:
    """The regular volumes that these frames fill: one, several (echoes, times ...), or none."""
    if not _has_position(frames[0]):
        return []
    whole = _volume(frames)
    if whole:
        return [whole]
    if len({tuple(_position(frame)) for frame in frames}) == len(frames):
        return []
    for keyword in REPEATED_BY:
        parts: dict[str, list[Frame]] = {}
        for frame in frames:
            parts.setdefault(str(frame.get(keyword)), []).append(frame)
        volumes = [_volume(part) for part in parts.values()]
        if len(parts) > 1 and all(volumes):
            return [volume for volume in volumes if volume]
    return []


def _volume(frames: Sequence[Frame]) -> Stack | None:
    """All frames as one volume, or None where they are not evenly spaced along their normal."""
    from highdicom.spatial import get_volume_positions

    if len(frames) == 1:
        return _single(frames[0])
    positions = [_position(frame) for frame in frames]
    spacing, order = get_volume_positions(
        positions, _orientation(frames[0]), index_convention=INDEX_CONVENTION
    )
    if spacing is None or order is None:
        return None
    ordered = tuple(frames[index] for index in np.argsort(order))
    ijk_to_ras = _ijk_to_ras(ordered[0], spacing)
    first, step = ijk_to_ras[:3, 3], ijk_to_ras[:3, 2]
    for k, frame in enumerate(ordered):
        actual = LPS_TO_RAS[:3, :3] @ _position(frame)
        if np.linalg.norm(first + k * step - actual) > 0.5 * min(_pixel_spacing(frame)):
            return None
    return Stack(ordered, ijk_to_ras)


def _single(frame: Frame) -> Stack:
    """One frame as an image of one slice, as thick as its file says."""
    thickness = frame.get("SpacingBetweenSlices") or frame.get("SliceThickness") or 1.0
    if _has_position(frame):
        return Stack((frame,), _ijk_to_ras(frame, abs(float(thickness)) or 1.0))
    row_spacing, column_spacing = _pixel_spacing(frame)
    return Stack((frame,), LPS_TO_RAS @ np.diag([column_spacing, row_spacing, 1.0, 1.0]), False)


def _ijk_to_ras(first: Frame, spacing: float) -> np.ndarray:
    from highdicom.spatial import create_affine_matrix_from_attributes

    return LPS_TO_RAS @ create_affine_matrix_from_attributes(
        image_position=_position(first),
        image_orientation=_orientation(first),
        pixel_spacing=_pixel_spacing(first),
        spacing_between_slices=spacing,
        index_convention=INDEX_CONVENTION,
    )


def _in_order(frames: Sequence[Frame]) -> list[Frame]:
    """By place along the slices' normal where there is one, else by the numbers in the files."""

    def numbers(frame: Frame) -> tuple[float, str, int]:
        number = frame.get("InstanceNumber")
        return (float(number) if number is not None else 0.0, str(frame.path), frame.index)

    if not _has_position(frames[0]):
        return sorted(frames, key=numbers)
    normal = _normal(frames[0])
    return sorted(frames, key=lambda frame: (float(normal @ _position(frame)), numbers(frame)))


def _why_no_volume(frames: Sequence[Frame]) -> str:
    """Why the frames are no regular volume, for a person who knows how images are acquired."""
    count = len(frames)
    if not _has_position(frames[0]):
        return f"{count} frames without a position in space"
    ordered = _in_order(frames)
    positions = np.array([_position(frame) for frame in ordered])
    steps = np.diff(positions, axis=0)
    gaps = steps @ _normal(ordered[0])
    if gaps.min() < 1e-3:
        return f"{count} slices, of which several lie in the same place"
    sideways = np.linalg.norm(positions[-1] - positions[0] - gaps.sum() * _normal(ordered[0]))
    if sideways > 0.5 * min(_pixel_spacing(ordered[0])):
        angle = np.degrees(np.arctan2(sideways, gaps.sum()))
        return f"{count} slices stacked {angle:.1f} degrees off their normal (tilted gantry)"
    return (
        f"{count} slices from {gaps.min():.4g} to {gaps.max():.4g} mm apart: some are missing, "
        "or the spacing varies"
    )


def _has_position(frame: Frame) -> bool:
    return (
        frame.numbers("ImagePositionPatient", 3) is not None
        and frame.numbers("ImageOrientationPatient", 6) is not None
        and min(frame.numbers("PixelSpacing", 2) or [0.0]) > 0
    )


def _position(frame: Frame) -> np.ndarray:
    """LPS mm of the centre of the first pixel."""
    return np.array(frame.numbers("ImagePositionPatient", 3))


def _orientation(frame: Frame) -> list[float]:
    return frame.numbers("ImageOrientationPatient", 6) or []


def _normal(frame: Frame) -> np.ndarray:
    orientation = _orientation(frame)
    return np.cross(orientation[:3], orientation[3:])


def _pixel_spacing(frame: Frame) -> list[float]:
    """mm between rows, and between columns; 1 where the file says nothing."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        spacing = frame.numbers(keyword, 2)
        if spacing and min(spacing) > 0:
            return spacing
    return [1.0, 1.0]
