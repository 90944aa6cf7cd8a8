"""DICOM frames into stacks that have one place in space: whole volumes, or else single slices.

A *place* is where one or several frames lie. What becomes of the frames of one orientation:

1. Frames that lie in one place and have the same pixels are doubles: one of them counts.
2. If the same number of frames lies in each place, the n-th of each, by InstanceNumber and then by
   time, make volume n (``repetitions``). dcm2niix makes the same volumes.
3. Places at even distances along one line are a volume. If the line is not the slices' normal
   (tilted gantry), neither is the volume's third axis: its matrix is sheared, and exact.
4. If distances vary, each part with even ones is a volume, or each slice for itself.

So each frame lies where its file says, within the tolerances below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np

from ....codec.geometry import flip_matrix_lps_ras
from ....dicom_index.headers.image_header import EXCESS
from ....person_names import plain_name
from ..files import Frame, number_of_frames
from .names import SequenceIndex, name_volumes, sequence_index
from .pixel_sizes import PixelSize, pixel_size
from .places import (
    FROM_DETECTOR,
    Places,
    group_by_grid,
    has_position,
    has_unused_position,
    is_from_detector,
    patient_key,
)
from .repetitions import in_order, split_repetitions, without_doubles
from .spacing import even_parts, why_parts

VOLUME, SLICE, CINE, FRAME, IMAGE = "volume", "slice", "cine", "frame", "image"
"""What a stack is. Frames of a cine follow each other along k in time, or nothing tells in what."""

NO_POSITION = "not in the file: lies axially with its first voxel in the origin"
UNUSED_POSITION = (
    "of no use without the size of the pixels: lies axially with its first voxel in the origin"
)
ONE_POSITION = "the file has one position for all its frames: this frame may lie elsewhere"

REVERSED_ROWS = (
    "GE's research sequence epi_pepolar: its rows may be in reverse order, so that front and back "
    "are exchanged"
)

SAME_PLACE = 0.02
"""Frames are in the same place if they are nearer to each other than this part of a pixel."""
OFF_LINE = 0.2
"""How far a frame may be from the line of its volume, in pixels. Scanners round positions."""
STRAIGHT = 0.1
"""Below this, in pixels at the far end of a volume, a stack counts as straight."""

# A multi-frame file whose frames follow each other in time has one of these (PS3.3 C.7.6.5).
_CINE_KEYWORDS = ("FrameTime", "FrameTimeVector", "CineRate", "RecommendedDisplayFrameRate")

MORE_BYTES = "its files have more bytes than voxels, which are not used"

PixelDigest = Callable[[Frame], bytes]


class SequencePlace(NamedTuple):
    """Which volume of a sequence (4D) a stack is, from 0; ``key`` is the same for all of them."""

    key: str
    number: int
    index: SequenceIndex


@dataclass(frozen=True, eq=False)
class Stack:
    """Frames that make one image, in the order of k.

    ``ijk_to_ras`` (4, 4) takes a voxel index to the RAS mm of the voxel's center. ``name`` tells
    the stack from others of its series, if there is more to say than a number; ``position`` says
    where the place is from if that is not ImagePositionPatient; ``notices`` are what a user has to
    know of it; ``sequence`` is set if other stacks show the same place at other times, or so.
    If some slices are left out because they are empty, ``planes`` has the k of each frame, of
    ``plane_count``.
    """

    frames: tuple[Frame, ...]
    ijk_to_ras: np.ndarray
    kind: str
    pixel_size: PixelSize
    name: str = ""
    position: str = ""
    notices: tuple[str, ...] = ()
    sequence: SequencePlace | None = None
    planes: tuple[int, ...] = ()
    plane_count: int = 0

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        first = self.frames[0]
        count = self.plane_count or len(self.frames)
        return (int(first.get("Columns")), int(first.get("Rows")), count)

    def is_same(self, other: Stack) -> bool:
        """Whether another one is of the same frames, in the same files as they were, and says the
        same.
        """
        return self._identity() == other._identity()

    def _identity(self) -> tuple[Any, ...]:
        frames = [(frame.file.name, frame.file.version, frame.index) for frame in self.frames]
        others = (getattr(self, field.name) for field in fields(self)[2:])
        return frames, self.ijk_to_ras.tolist(), *others


def stack_frames(
    frames: Sequence[Frame], pixel_digest: PixelDigest
) -> tuple[list[Stack], list[str]]:
    """Make stacks of one series' frames; the second value says what there is to know of them.

    ``pixel_digest`` tells apart frames that lie in one place. Raises ``ValueError`` if an
    orientation is none.
    """
    placed = [frame for frame in frames if has_position(frame)]
    unplaced = [frame for frame in frames if not has_position(frame)]
    stacks: list[Stack] = []
    reasons: list[str] = []
    groups = group_by_grid(placed)
    if (count := len(groups) + bool(unplaced)) > 1:
        reasons.append(f"offered in parts: its frames are of {count} orientations, sizes or types")
    for group, places in groups:
        found, why = _stacks_of_group(group, places, pixel_digest)
        stacks += found
        reasons += why
    if placed and is_from_detector(placed[0]):
        reasons.append(f"its place is {FROM_DETECTOR}")
    found, why = _without_position(unplaced)
    stacks = [_with_more_notices(stack) for stack in (*stacks, *found)]
    notices = _shared_uid_notices(frames)
    stacks = [replace(stack, notices=(*notices, *stack.notices)) for stack in stacks]
    why = [*notices, *why]
    if any(REVERSED_ROWS in stack.notices for stack in stacks):
        why = [*why, REVERSED_ROWS]
    return stacks, [*reasons, *why]


def _shared_uid_notices(frames: Sequence[Frame]) -> list[str]:
    """Return what else has the SeriesInstanceUID of these frames.

    UIDs should be unique (PS3.5 9); those of copied or wrongly corrected studies are not.
    """
    notices = []
    if (count := len({patient_key(frame) for frame in frames})) > 1:
        notices.append(f"images of {count} patients have its SeriesInstanceUID")
    elif (count := len({*map(plain_name, {frame.get("PatientName") for frame in frames})})) > 1:
        notices.append(f"its files name {count} patients under one ID: check whose it is")
    for keyword, what in (("StudyInstanceUID", "studies"), ("Modality", "modalities")):
        if (count := len({frame.get(keyword) for frame in frames})) > 1:
            notices.append(f"images of {count} {what} have its SeriesInstanceUID")
    return notices


def _stacks_of_group(
    frames: list[Frame], places: Places, pixel_digest: PixelDigest
) -> tuple[list[Stack], list[str]]:
    """Make stacks of frames of one orientation and pixel size."""
    stacks: list[Stack] = []
    reasons: list[str] = []
    number_of = {frame: number for number, frame in enumerate(frames)}

    def places_of(chosen: Sequence[Frame]) -> Places:
        return places.of([number_of[frame] for frame in chosen])

    if _is_cine(frames, places):
        return [_cine(frames, places)], []
    for line in _lines(frames, places):
        at_place = _by_place(line, places_of(line))
        doubled = sum(map(len, at_place))
        at_place = without_doubles(at_place, pixel_digest)
        if doubles := doubled - sum(map(len, at_place)):
            reasons.append(f"{doubles} of its slices are there twice, and offered once")
        sets = split_repetitions(at_place)
        if sets is None:
            reasons.append(
                f"offered slice by slice: {len(line)} slices, of which several lie in the same "
                "place, and nothing tells which belong together"
            )
            sets = [[frame] for place in at_place for frame in place]
            stacks += [_single(frame, places_of([frame])) for (frame,) in sets]
            continue
        volumes = []
        for chosen, name in zip(sets, name_volumes(sets), strict=True):
            found, why = _volumes(chosen, places_of(chosen))
            volumes += [replace(stack, name=name) for stack in found]
            reasons += why
        stacks += _as_sequence(volumes) if len(volumes) == len(sets) > 1 else volumes
    return stacks, [*dict.fromkeys(reasons)]


def _as_sequence(volumes: list[Stack]) -> list[Stack]:
    first = volumes[0].frames[0]
    key = f"{first.get('SeriesInstanceUID')} {first.get('SOPInstanceUID')} {first.index}"
    index = sequence_index([volume.name for volume in volumes])
    return [
        replace(volume, sequence=SequencePlace(key, number, index))
        for number, volume in enumerate(volumes)
    ]


# Volumes -----------------------------------------------------------------------------------------


def _lines(frames: list[Frame], places: Places) -> list[list[Frame]]:
    """Split frames into such as lie behind each other on one line, straight or tilted."""
    depth = places.positions @ places.axes[2]
    across = places.positions @ places.axes[:2].T
    tolerance = OFF_LINE * places.size.smaller
    if np.ptp(depth) > SAME_PLACE * places.size.smaller:
        slope, start = np.polyfit(depth, across, 1)
        if np.abs(np.outer(depth, slope) + start - across).max() <= tolerance:
            return [frames]
    lines, rest = [], np.arange(len(frames))
    while len(rest):
        is_near = np.abs(across[rest] - across[rest[0]]).max(axis=1) <= tolerance
        lines.append([frames[number] for number in rest[is_near]])
        rest = rest[~is_near]
    return lines


def _by_place(frames: list[Frame], places: Places) -> list[list[Frame]]:
    """Return the frames in each place, in order; places along the normal."""
    depth = places.positions @ places.axes[2]
    near = SAME_PLACE * places.size.smaller
    at_place: list[list[Frame]] = []
    last = -np.inf
    for number in np.argsort(depth, kind="stable"):
        if depth[number] - last > near:
            at_place.append([])
            last = depth[number]
        at_place[-1].append(frames[number])
    return [in_order(place) for place in at_place]


def _volumes(frames: list[Frame], places: Places) -> tuple[list[Stack], list[str]]:
    """Make stacks of frames at different places along a line, in the order of these."""
    depth = places.positions @ places.axes[2]
    parts = even_parts(depth)
    stacks = []
    for part in parts:
        chosen, found = frames[part.start : part.stop], places.of(range(part.start, part.stop))
        is_alone = len(chosen) == 1
        stacks.append(_single(chosen[0], found) if is_alone else _volume(chosen, found))
    reasons = why_parts(places.positions, places.axes, parts)
    stacks = [replace(stack, notices=(*stack.notices, *reasons)) for stack in stacks]
    return stacks, [*reasons, *(note for stack in stacks for note in stack.notices)]


def _volume(frames: list[Frame], places: Places) -> Stack:
    """Make a volume of frames at even distances."""
    total = places.positions[-1] - places.positions[0]
    normal = places.axes[2]
    depth = total @ normal
    sideways = np.linalg.norm(total - depth * normal)
    if sideways <= STRAIGHT * places.size.smaller:
        return _stack(frames, places, normal * depth / (len(frames) - 1), VOLUME)
    degrees = np.degrees(np.arctan2(sideways, depth))
    notice = (
        f"tilted gantry: its slices follow each other {degrees:.1f} degrees off their normal, "
        "and so does the third axis of the matrix"
    )
    stack = _stack(frames, places, total / (len(frames) - 1), VOLUME)
    return replace(stack, notices=(notice,))


def volume_between(first: Frame, last: Frame, count: int) -> Stack:
    """Make a volume of ``count`` frames that begins and ends with these two, in any order.

    It is what ``stack_frames`` makes of frames that lie at even distances between them; each but
    one of its ``frames`` is the first along k. Raises ``ValueError`` if they make no volume.
    """
    has_positions = has_position(first) and has_position(last)
    groups = group_by_grid([first, last]) if has_positions else []
    if len(groups) != 1:
        raise ValueError("the first and the last slice are not of one grid")
    places = groups[0][1]
    order = [int(number) for number in np.argsort(places.positions @ places.axes[2])]
    ends = [(first, last)[number] for number in order]
    frames = [ends[0]] * (count - 1) + [ends[1]]
    return _with_more_notices(_volume(frames, places.of(order)))


def _single(frame: Frame, places: Places) -> Stack:
    """Make an image of one frame, as thick as its file says."""
    return _stack([frame], places, _thickness(frame) * places.axes[2], SLICE)


def _stack(frames: Sequence[Frame], places: Places, step: np.ndarray, kind: str) -> Stack:
    """Make a stack; ``step`` leads from frame to frame, LPS mm."""
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, 0] = places.axes[0] * places.size.columns
    ijk_to_lps[:3, 1] = places.axes[1] * places.size.rows
    ijk_to_lps[:3, 2] = step
    ijk_to_lps[:3, 3] = places.positions[0]
    first = frames[0]
    position = ""
    if is_from_detector(first):
        position = FROM_DETECTOR
    elif first.index and "ImagePositionPatient" not in first.file.header.frames:
        position = ONE_POSITION
    return Stack(
        tuple(frames), flip_matrix_lps_ras(ijk_to_lps), kind, places.size, position=position
    )


def _thickness(frame: Frame) -> float:
    thickness = frame.number("SpacingBetweenSlices") or frame.number("SliceThickness") or 1.0
    return abs(thickness)


# Films, and images without a place ---------------------------------------------------------------


def _is_cine(frames: list[Frame], places: Places) -> bool:
    is_one_place = np.ptp(places.positions, axis=0).max() <= SAME_PLACE * places.size.smaller
    is_one_file = all(frame.file is frames[0].file for frame in frames)
    return len(frames) > 1 and is_one_place and _has_times(frames[0]) and is_one_file


def _has_times(frame: Frame) -> bool:
    return any(frame.get(keyword) for keyword in _CINE_KEYWORDS)


def _cine(frames: list[Frame], places: Places) -> Stack:
    stack = _stack(frames, places, _thickness(frames[0]) * places.axes[2], CINE)
    return replace(stack, notices=(_film_notice(frames[0]),))


def _film_notice(frame: Frame) -> str:
    if not _has_times(frame):  # energies of nuclear medicine, pages, slices of an eye
        return (
            "its frames follow each other along k, and nothing tells their place in space or time"
        )
    time = frame.number("FrameTime")
    rate = f", {time:g} ms apart" if time else ""
    return f"a film: its frames follow each other along k in time{rate}, not in space"


def _without_position(frames: list[Frame]) -> tuple[list[Stack], list[str]]:
    """Make stacks of frames that have no place: each file is one."""
    files: dict[str, list[Frame]] = {}
    for frame in in_order(frames):
        files.setdefault(frame.file.name, []).append(frame)
    stacks = [_unplaced(found) for found in files.values()]
    is_several = len(files) > 1
    reason = f"offered one by one: {len(files)} images without a position in space"
    return stacks, [reason] if is_several else []


def _unplaced(frames: list[Frame]) -> Stack:
    size = pixel_size(frames[0])
    is_film = number_of_frames(frames[0].file.header) > 1
    return Stack(
        tuple(frames),
        flip_matrix_lps_ras(np.diag([size.columns, size.rows, 1.0, 1.0])),
        CINE if is_film else IMAGE,
        size,
        position=UNUSED_POSITION if has_unused_position(frames[0]) else NO_POSITION,
        notices=(_film_notice(frames[0]),) if is_film else (),
    )


def _with_more_notices(stack: Stack) -> Stack:
    notices = [stack.pixel_size.notice]
    # Volumes of reversed polarity have their rows in reverse order, and no word of it in
    # DICOM's attributes (neurolabusc/dcm_qa_polar).
    if "epi_pepolar" in stack.frames[0].get("PulseSequenceName"):
        notices.append(REVERSED_ROWS)
    if any(frame.get(EXCESS) for frame in stack.frames):
        notices.append(MORE_BYTES)
    return replace(stack, notices=(*stack.notices, *filter(None, notices)))
