"""A label map in a file of numpy's (``.npz``), as the window hands it to ``igtlmeta store``.

Slicer's own Python has neither SimpleITK nor pynrrd. The file has the arrays

==========  ====================================================================================
labels      whole numbers of shape (k, j, i), 0 for the background; of structures that overlap,
            several label maps: (layers, k, j, i), each label in one of them
ijk_to_ras  float64 of shape (4, 4), from voxel index to RAS mm
structures  a JSON text: [{"name": ..., "label": ..., "rgba": [r, g, b, opacity]}, ...]
==========  ====================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np

from ...net.source import SourceError
from ..dicom.label_maps.label_map import Structure

ENDING = ".npz"


@dataclass(frozen=True, eq=False)
class LabelMapToStore:
    """A label map, the matrix (4, 4) from its voxels to RAS mm, and what its labels are."""

    labels: np.ndarray
    ijk_to_ras: np.ndarray
    structures: Sequence[Structure] = ()


def write_label_file(path: Path, labels: LabelMapToStore) -> None:
    """Write a file that ``read_label_file`` reads. Raises ``OSError``."""
    arrays = {
        "labels": labels.labels,
        "ijk_to_ras": labels.ijk_to_ras,
        "structures": np.array(json.dumps([asdict(one) for one in labels.structures])),
    }
    with path.open("wb") as file:
        np.savez(file, **arrays)


def read_label_file(path: Path) -> LabelMapToStore:
    """Read a file; raises ``SourceError``, which says what is wrong with it."""
    try:
        if not is_zipfile(path):  # numpy would advise to trust it
            raise ValueError("it is no file of numpy's (.npz)")
        with np.load(path, allow_pickle=False) as file:
            structures = [_structure(one) for one in json.loads(str(file["structures"]))]
            found = LabelMapToStore(
                file["labels"], np.asarray(file["ijk_to_ras"], float), structures
            )
    except (OSError, KeyError, TypeError, ValueError, EOFError, BadZipFile) as error:
        raise SourceError(f"the label map {path} cannot be read: {error}") from error
    if found.ijk_to_ras.shape != (4, 4) or not np.isfinite(found.ijk_to_ras).all():
        raise SourceError(f"the label map {path} cannot be read: its matrix is not one of 4 × 4")
    return found


def _structure(entry: dict[str, Any]) -> Structure:
    red, green, blue, opacity = (int(number) for number in entry["rgba"])
    return Structure(str(entry["name"]), int(entry["label"]), (red, green, blue, opacity))
