"""Between which lengths those of an image of a patient, or of a sample, lie.

No table moves a kilometer, and what is smaller than an atom is no voxel. What is beyond that comes
of another unit, or of damage.
"""

from __future__ import annotations

LONGEST = 1e6  # mm
SHORTEST = 1e-7


def is_length(number: float) -> bool:
    """Whether so many mm can be those between two voxels."""
    return SHORTEST <= number <= LONGEST
