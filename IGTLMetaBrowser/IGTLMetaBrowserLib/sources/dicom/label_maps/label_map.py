"""What a label map is: structures as an image of labels, whatever file they were read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..pixels.decoding import Decoders

MOST_LABELS = 255  # a label in LBMETA is a byte; 0 is the background


@dataclass(frozen=True)
class Structure:
    """A structure in a label map: its name, its label (from 1), and its color, 0 to 255."""

    name: str
    label: int
    rgba: tuple[int, int, int, int]


class LabelMap(Protocol):
    """Structures as an image of labels."""

    id: str
    size: tuple[int, int, int]
    ijk_to_ras: np.ndarray
    structures: Sequence[Structure]

    @property
    def segments(self) -> Sequence[int]:
        """The numbers of its segments in the file; none if it is no segmentation."""
        ...

    def read(
        self, folder: Path, decoders: Decoders | None = None
    ) -> tuple[np.ndarray, Sequence[str]]:
        """Return the labels, uint8 of shape (k, j, i), and what there is to know of them.

        ``decoders`` decode what is compressed. Raises ``SourceError``.
        """
        ...
