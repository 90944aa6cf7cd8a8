"""Names of the volumes of a series: what tells them apart, as ``b=1000 3 of 6``, ``TE 4.9 ms``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timezone
from typing import NamedTuple

from ..files import Frame
from .repetitions import TIMES, moment_of

_IMAGE_TYPES = {"M": "magnitude", "P": "phase", "R": "real", "I": "imaginary"}

# By which words a name begins, and what the number behind them is.
_INDEXES = (
    ("t=", "time", ("s", "ms")),
    ("TE ", "echo time", ("ms",)),
    ("TI ", "inversion time", ("ms",)),
    ("b=", "b-value", ("s/mm2",)),
)


class SequenceIndex(NamedTuple):
    """What the volumes of a sequence are ordered by: its name and unit, and a value for each."""

    name: str
    unit: str
    values: tuple[str, ...]


def sequence_index(names: Sequence[str]) -> SequenceIndex:
    """Return what tells volumes with these names apart: a number, or else the names."""
    for begin, name, units in _INDEXES:
        pattern = re.compile(re.escape(begin) + r"(-?[\d.]+(?:e[+-]?\d+)?)(?: (m?s))?")
        found = [pattern.fullmatch(text) for text in names]
        numbers = [match[1] for match in found if match]
        if len({*numbers}) == len(names):
            unit = next(match[2] for match in found if match) or units[0]
            return SequenceIndex(name, unit, tuple(numbers))
    return SequenceIndex("volume", "", tuple(names))


def name_volumes(volumes: Sequence[Sequence[Frame]]) -> list[str]:
    """Return a name for each of the volumes of one orientation; an empty one for a single one.

    Attributes that differ between volumes make the name, times only if nothing else does; equal
    names are numbered.
    """
    if len(volumes) == 1:
        return [""]
    parts: list[list[str]] = [[] for _ in volumes]
    for describe in (_quantities, _image_types, _echoes, _inversions, _b_values):
        _add_if_different(parts, describe(volumes))
    if not any(parts):
        _add_if_different(parts, _times(volumes))
    if not any(parts):
        _add_if_different(parts, _positions_in_time(volumes))
    return _numbered([" ".join(filter(None, words)) for words in parts])


def _add_if_different(parts: list[list[str]], words: Sequence[str]) -> None:
    if len({*words}) > 1:
        for part, word in zip(parts, words, strict=True):
            part.append(word)


def _numbered(names: list[str]) -> list[str]:
    counts, seen = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        seen[name] += 1
        is_alone = counts[name] == 1 and name
        number = f"{seen[name]} of {counts[name]}"
        numbered.append(name if is_alone else f"{name or 'volume'} {number}")
    return numbered


def _values(volumes: Sequence[Sequence[Frame]], keyword: str) -> list[str] | None:
    """Return the value that each volume has for an attribute; None if one has several values."""
    values = [{frame.get(keyword) for frame in volume} for volume in volumes]
    return [next(iter(found)) for found in values] if all(len(v) == 1 for v in values) else None


def _quantities(volumes: Sequence[Sequence[Frame]]) -> list[str]:
    """Return what the values of a parametric map are, such as ADC."""
    return _values(volumes, "LUTLabel") or [""] * len(volumes)


def _image_types(volumes: Sequence[Sequence[Frame]]) -> list[str]:
    for keyword in ("ImageType", "FrameType"):
        values = _values(volumes, keyword)
        if values and len({*values}) > 1:
            types = [value.split("\\") for value in values]
            shared = set(types[0]).intersection(*types)
            return [
                " ".join(
                    _IMAGE_TYPES.get(part, part.lower()) for part in parts if part not in shared
                )
                for parts in types
            ]
    return [""] * len(volumes)


def _with_unit(keywords: Sequence[str], form: str) -> Callable[..., list[str]]:
    def describe(volumes: Sequence[Sequence[Frame]]) -> list[str]:
        for keyword in keywords:
            values = _values(volumes, keyword)
            if values and len({*values}) > 1:
                numbers = [volume[0].number(keyword) for volume in volumes]
                return ["" if n is None else form.format(round(n, 2)) for n in numbers]
        return [""] * len(volumes)

    return describe


_echo_times = _with_unit(("EchoTime", "EffectiveEchoTime"), "TE {:g} ms")
_echo_numbers = _with_unit(("EchoNumbers",), "echo {:g}")
_inversions = _with_unit(("InversionTime",), "TI {:g} ms")
_b_values = _with_unit(("DiffusionBValue",), "b={:g}")


def _echoes(volumes: Sequence[Sequence[Frame]]) -> list[str]:
    times = _echo_times(volumes)
    return times if any(times) else _echo_numbers(volumes)


def _times(volumes: Sequence[Sequence[Frame]]) -> list[str]:
    """Return the time of each volume's first frame after the trigger, or that of the series."""
    for keyword in ("NominalCardiacTriggerDelayTime", "TriggerTime"):
        numbers = [[frame.number(keyword) for frame in volume] for volume in volumes]
        firsts = [min((n for n in found if n is not None), default=None) for found in numbers]
        if None not in firsts and len({*firsts}) == len(volumes):
            return [f"t={first:g} ms" for first in firsts]
    for keyword in TIMES:
        seconds = [[_seconds(moment_of(frame, keyword)) for frame in volume] for volume in volumes]
        firsts = [min((s for s in found if s is not None), default=None) for found in seconds]
        known = [first for first in firsts if first is not None]
        if len(known) == len(volumes) == len({*known}):
            return [f"t={round(first - min(known), 3):g} s" for first in known]
    return [""] * len(volumes)


def _positions_in_time(volumes: Sequence[Sequence[Frame]]) -> list[str]:
    for keyword in ("TemporalPositionIdentifier", "TemporalPositionIndex"):
        values = _values(volumes, keyword)
        if values and len({*values}) == len(volumes):
            return [f"time {value} of {len(volumes)}" for value in values]
    return [""] * len(volumes)


def _seconds(moment: str) -> float | None:
    """Return the seconds since the epoch of a DT, or since midnight of a TM; None if it is none."""
    from pydicom.valuerep import DT, TM

    if not moment:
        return None
    digits = moment.partition(".")[0]
    try:
        if len(digits) > 6:
            parsed = DT(moment)
            # In UTC, which has no hour twice: only differences count.
            is_local = parsed and parsed.tzinfo is None
            parsed = parsed.replace(tzinfo=timezone.utc) if is_local else parsed
            return parsed.timestamp() if parsed else None
        time = TM(moment)
    except (ValueError, OverflowError):
        return None
    if not time:
        return None
    return 3600.0 * time.hour + 60 * time.minute + time.second + time.microsecond / 1e6
