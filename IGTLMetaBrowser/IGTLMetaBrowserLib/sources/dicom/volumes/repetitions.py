"""Frames that lie in the same places, as sets with one frame in each place: echoes, times …"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import Any

from ..files import Frame, number_of_frames, parse_numbers

# Attributes that tell frames in one place apart for sure.
_DISCRIMINATORS = (
    "ImageType", "FrameType", "EchoNumbers", "EchoTime", "EffectiveEchoTime", "InversionTime",
    "DiffusionBValue", "LUTLabel", "TemporalPositionIdentifier", "TemporalPositionIndex",
    "AcquisitionNumber",
)  # fmt: skip
TIMES = ("AcquisitionDateTime", "AcquisitionTime", "FrameAcquisitionDateTime", "ContentTime")
_DATES = {"AcquisitionTime": "AcquisitionDate", "ContentTime": "ContentDate"}
# The phases of a heart, directions of diffusion, and times: they tell volumes apart if each place
# has the same. Some scanners measure the time after the trigger anew for each slice.
_PHASES = ("TemporalPositionTimeOffset", "TriggerTime", "NominalCardiacTriggerDelayTime",
           "DiffusionGradientOrientation")  # fmt: skip
# In which order frames follow each other in time, if InstanceNumbers begin anew in each volume, or
# the dimensions of a file do not say it: an enhanced one mostly has an AcquisitionDateTime, which
# is that of all its frames.
_TIME_ORDER = ("TemporalPositionIdentifier", "TemporalPositionIndex", "TemporalPositionTimeOffset",
               "TriggerTime", "NominalCardiacTriggerDelayTime", "AcquisitionNumber")  # fmt: skip
# What differs between frames that are not doubles of each other, besides.
_MOMENTS = (*TIMES, "ContentDate", *_PHASES)

FramesAtPlace = list[Frame]
"""The frames in one place."""


def in_order(frames: Sequence[Frame]) -> list[Frame]:
    """Return frames by InstanceNumber, by time, by DimensionIndexValues (PS3.3 C.7.6.17), by what
    else says when they are of, and then by their order in the folder.
    """
    if len(frames) == 1:  # in by far most places
        return [*frames]
    return sorted(frames, key=_order)


def _order(frame: Frame) -> tuple[Any, ...]:
    return (*_said_order(frame), frame.file.name, frame.index)


def _said_order(frame: Frame) -> tuple[Any, ...]:
    moment = next((moment_of(frame, one) for one in TIMES if frame.get(one)), "")
    dimensions = parse_numbers(frame.get("DimensionIndexValues"))
    times = tuple(frame.number(keyword) or 0.0 for keyword in _TIME_ORDER)
    number = frame.number("InstanceNumber") or 0.0
    return (number, moment, dimensions, times, frame.get("FrameAcquisitionDateTime"))


def moment_of(frame: Frame, keyword: str) -> str:
    """Return a time of a frame, after its date if it has one: a scan may go on after midnight."""
    text = frame.get(keyword)
    return frame.get(_DATES.get(keyword, "")) + text if text else ""


def _is_order_said(frames: Sequence[Frame]) -> bool:
    """Whether files say in which order their frames follow each other, not only their names do."""
    said = {(frame.file.name, _said_order(frame)) for frame in frames}
    return len({order for _, order in said}) == len(said)


def _is_file_order_said(places: Sequence[FramesAtPlace]) -> bool:
    """Whether frames that only their order in a file tells apart lie in it volume by volume, or
    place by place: which of them is the n-th in each place is chance otherwise.
    """
    if all(number_of_frames(frame.file.header) == 1 for place in places for frame in place):
        return True
    runs = [[[*run] for _, run in groupby(place, key=_said_order)] for place in places]
    if len({tuple(map(len, found)) for found in runs}) > 1:
        return False
    return all(
        _is_regular([[one.index for one in run] for run in alike])
        for alike in zip(*runs, strict=True)
    )


def _is_regular(indices: Sequence[Sequence[int]]) -> bool:
    """Whether numbers of frames, a row for each place, ascend by columns, or else by rows."""
    by_volume = [*zip(*indices, strict=True)]
    by_place = sorted(indices)
    return any(
        all(max(one) < min(other) for one, other in pairwise(table))
        for table in (by_volume, by_place)
    )


def without_doubles(
    places: Sequence[FramesAtPlace], pixel_digest: Callable[[Frame], bytes]
) -> list[FramesAtPlace]:
    """Return the places without frames that are in one twice.

    ``pixel_digest`` is asked only of frames of which no attribute says that they differ. If as many
    frames lie in each place, they are taken for repetitions unless their InstanceNumber is the
    same.
    """
    if all(len(place) == 1 for place in places):
        return [*places]
    keywords = [*_DISCRIMINATORS, *_MOMENTS]
    if len({len(place) for place in places}) == 1:
        keywords.append("InstanceNumber")
    return [_without_doubles(place, keywords, pixel_digest) for place in places]


def _without_doubles(
    place: FramesAtPlace, keywords: Sequence[str], pixel_digest: Callable[[Frame], bytes]
) -> FramesAtPlace:
    alike: dict[tuple[str, ...], FramesAtPlace] = {}
    for frame in place:
        alike.setdefault(_key(frame, keywords), []).append(frame)
    kept = [
        frame
        for found in alike.values()
        for frame in (found if len(found) == 1 else _different(found, pixel_digest))
    ]
    return in_order(kept)


def _different(frames: FramesAtPlace, pixel_digest: Callable[[Frame], bytes]) -> FramesAtPlace:
    """Return frames without those whose pixels another file has, too.

    In one file, frames of the same pixels are no doubles: those of a slice outside the head, say,
    at several times.
    """
    seen: Counter[tuple[str, bytes]] = Counter()
    kept: dict[tuple[bytes, int], Frame] = {}
    for frame in frames:
        digest = pixel_digest(frame)
        seen[frame.file.name, digest] += 1
        kept[digest, seen[frame.file.name, digest]] = frame
    return [*kept.values()]


def split_repetitions(places: Sequence[FramesAtPlace]) -> list[list[Frame]] | None:
    """Return sets of frames, each with one frame in each of its places, in the order of places.

    The frames of ``places`` are in order. None if nothing tells which frames belong together.
    """
    counts = {len(place) for place in places}
    if counts == {1}:
        return [[frame for (frame,) in places]]
    if len(counts) == 1:
        return _split_evenly(places)
    return _split_by_attributes(places) or _split_by_sequence(places)


def _split_evenly(places: Sequence[FramesAtPlace]) -> list[list[Frame]] | None:
    """Return volume n of the n-th frame in each place, without mixing what is surely different.

    None if only the names of files tell which frame is the n-th, or chance.
    """
    keywords = [
        keyword
        for keyword in (*_DISCRIMINATORS, *_PHASES, *TIMES)
        if len({frame.get(keyword) for place in places for frame in place}) > 1
        and _are_alike(places, [keyword])  # else it differs within a volume
    ]
    while keywords and not _are_alike(places, keywords):
        keywords.pop()
    sets: list[list[Frame]] = []
    for key in dict.fromkeys(_key(frame, keywords) for frame in places[0]):
        alike = [[frame for frame in place if _key(frame, keywords) == key] for place in places]
        if not (all(map(_is_order_said, alike)) and _is_file_order_said(alike)):
            return None
        sets += [list(frames) for frames in zip(*alike, strict=True)]
    return sets


def _are_alike(places: Sequence[FramesAtPlace], keywords: Sequence[str]) -> bool:
    """Whether each place has the same values of these attributes, as often."""
    first = Counter(_key(frame, keywords) for frame in places[0])
    return all(Counter(_key(frame, keywords) for frame in place) == first for place in places)


def _split_by_attributes(places: Sequence[FramesAtPlace]) -> list[list[Frame]] | None:
    """Return sets of frames that agree in one attribute, if no two of a set are in one place."""
    frames = [frame for place in places for frame in place]
    for keyword in _DISCRIMINATORS:
        sets: dict[str, list[Frame]] = {}
        for frame in frames:
            sets.setdefault(frame.get(keyword), []).append(frame)
        if len(sets) == max(map(len, places)) and all(
            len({frame.get(keyword) for frame in place}) == len(place) for place in places
        ):
            return [*sets.values()]
    return None


def _split_by_sequence(places: Sequence[FramesAtPlace]) -> list[list[Frame]] | None:
    """Return sets of frames by InstanceNumber, all whole but the last: an interrupted scan."""
    number_of = {frame: number for number, place in enumerate(places) for frame in place}
    if not _is_order_said([*number_of]):
        return None
    sets: list[dict[int, Frame]] = [{}]
    for frame in in_order([*number_of]):
        if number_of[frame] in sets[-1]:
            sets.append({})
        sets[-1][number_of[frame]] = frame
    if any(len(found) != len(places) for found in sets[:-1]):
        return None
    return [[found[number] for number in sorted(found)] for found in sets]


def _key(frame: Frame, keywords: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(frame.get, keywords))
