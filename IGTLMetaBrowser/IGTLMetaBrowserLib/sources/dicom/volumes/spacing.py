"""Slices at uneven distances: which parts are even, and what is between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

# How far a slice may lie from the place that even distances give it: the part of such a distance.
_TOLERANCE = 0.1
# With more parts than this share of the slices, they say nothing any more.
_MOST_PARTS = 1 / 3


def even_parts(depth: np.ndarray) -> list[range]:
    """Split slices into parts with even distances; their numbers.

    ``depth`` is where each slice lies along the normal, mm, ascending. Slices that fit nowhere, or
    all if there would be too many parts, are parts of one.
    """
    count = len(depth)
    if count < 2 or _is_even(depth):
        return [range(count)]
    gaps = np.diff(depth)
    usual = _usual_gap(gaps)
    parts: list[range] = []
    end = 0  # of what is in a part
    for _, run in groupby(range(count - 1), key=lambda number: _gap_class(gaps[number], usual)):
        numbers = [*run]
        is_usual = _gap_class(gaps[numbers[0]], usual) == 0
        first, last = max(numbers[0], end), numbers[-1] + 1
        is_part = last > first and (is_usual or last - first > 1)
        if is_part and _is_even(depth[first : last + 1]):
            parts += [range(number, number + 1) for number in range(end, first)]
            parts.append(range(first, last + 1))
            end = last + 1
    parts += [range(number, number + 1) for number in range(end, count)]
    if len(parts) > max(2, _MOST_PARTS * count):
        return [range(number, number + 1) for number in range(count)]
    return parts


def why_parts(positions: np.ndarray, axes: np.ndarray, parts: Sequence[range]) -> list[str]:
    """Return what is between the parts of a volume, in words; nothing if there is one part.

    ``positions`` are LPS mm, shape (slices, 3); ``axes`` (3, 3) has the normal as its last row.
    """
    if len(parts) == 1:
        return []
    depth = positions @ axes[2]
    gaps = np.diff(depth)
    if len(parts) == len(depth):
        return [
            f"offered slice by slice: {len(depth)} slices from {gaps.min():.4g} to "
            f"{gaps.max():.4g} mm apart: some are missing, or the spacing varies"
        ]
    usual = _usual_gap(gaps)
    axis = int(np.argmax(np.abs(axes[2])))
    return [
        _why_gap(gaps[part.start - 1], usual, "xyz"[axis], *positions[part.start - 1 :][:2, axis])
        for part in parts[1:]
    ]


def _why_gap(gap: float, usual: float, axis: str, before: float, after: float) -> str:
    between = f"between {axis} = {before:g} and {axis} = {after:g} mm"
    missing = round(gap / usual) - 1
    if missing >= 1 and abs(gap / usual - missing - 1) <= _TOLERANCE:
        what = "a slice is" if missing == 1 else f"{missing} slices are"
        return f"offered in parts: {what} missing {between}"
    return f"offered in parts: its spacing changes from {usual:.4g} mm, {between}"


def _usual_gap(gaps: np.ndarray) -> float:
    """Return the most frequent gap, of several the smallest."""
    # Sorted, as a table of all pairs has gigabytes for some ten thousand slices.
    ordered = np.sort(gaps)
    first = np.searchsorted(ordered, gaps / (1 + _TOLERANCE), "left")
    end = np.searchsorted(ordered, gaps / (1 - _TOLERANCE), "right")
    counts = end - first
    return float(gaps[counts == counts.max()].min())


def _gap_class(gap: float, usual: float) -> int:
    """Return 0 for a gap as usual, else a number that neighboring gaps of one size share."""
    if abs(gap - usual) <= _TOLERANCE * usual:
        return 0
    return max(1, round(gap / usual * 10))


def _is_even(depth: np.ndarray) -> bool:
    if len(depth) < 3:
        return True
    even = np.linspace(depth[0], depth[-1], len(depth))
    step = (depth[-1] - depth[0]) / (len(depth) - 1)
    return bool(np.abs(depth - even).max() <= _TOLERANCE * step)
