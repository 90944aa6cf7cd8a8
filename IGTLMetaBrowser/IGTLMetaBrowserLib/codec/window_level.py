"""Window and level in which an image is shown first: as its modality is read.

Found from a sample of the voxels: reading all of a CT of 157 MB would take longer than showing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Not used here: percentile imports it in its first call, which would then take 70 ms of a turn.
import numpy.ma

_SAMPLE_SIZE = 100_000
# A lesion of 1 cm³ is one voxel in 100,000 of a whole-body PET; in this many it is not missed.
_SAMPLE_SIZE_FOR_MAXIMUM = 1_000_000
# Darkest and brightest voxels that need not be told apart, in percent.
_PERCENTILES = (0.5, 99.5)
# Soft tissue, in Hounsfield units: over the whole range of a CT, brain is one gray.
_CT_WINDOW_LEVEL = (350.0, 40.0)
_HIGHEST_HOUNSFIELD_OF_AIR = -500
# Modalities of emission (DICOM PS3.3 C.7.3.1.1.1): nothing is 0, and what matters is brightest.
_EMISSION_MODALITIES = ("PT", "PET", "NM")


class Window(NamedTuple):
    """A window as Slicer has it: its width, and the value in its middle."""

    width: float
    level: float


class VoiWindow(NamedTuple):
    """What WindowCenter and WindowWidth say (DICOM PS3.3 C.11.2.1.2); both can have several."""

    centers: Sequence[float] = ()
    widths: Sequence[float] = ()


def window_level(
    pixels: np.ndarray, modality: str = "", voi_window: VoiWindow | None = None
) -> Window:
    """Return window and level for pixels of any shape; of (k, j, i, 2) for the first of two.

    It alone is shown. The image's own window counts first, then its modality: CT as soft tissue, PT
    and NM from 0 to about the maximum, and all others by percentiles.
    """
    if pixels.shape[3:] == (2,):
        pixels = pixels.reshape(-1, 2)[:, 0]
    sample = _sample(pixels, _SAMPLE_SIZE)
    if not sample.size:
        return Window(1.0, 0.0)
    own = _usable(voi_window, sample) if voi_window is not None else None
    if own is not None:
        return own
    # A CT without any air is not in Hounsfield units: stored values are mostly 1024 higher.
    if modality.upper() == "CT" and sample.min() <= _HIGHEST_HOUNSFIELD_OF_AIR:
        return Window(*_CT_WINDOW_LEVEL)
    if is_emission(modality):
        maximum = float(_sample(pixels, _SAMPLE_SIZE_FOR_MAXIMUM).max(initial=0))
        if maximum > 0:
            return Window(maximum, maximum / 2)
    return _by_percentiles(sample)


def is_emission(modality: str) -> bool:
    """Whether images of a modality show where a tracer is, as PET and scintigraphy do."""
    return modality.strip().upper() in _EMISSION_MODALITIES


def _sample(pixels: np.ndarray, size: int) -> np.ndarray:
    """Return about ``size`` of the pixels, those that are numbers."""
    flat = pixels.reshape(-1)
    # An odd step does not keep to the same columns of the image.
    sample = flat[:: flat.size // size | 1]
    # Without a copy, as far as possible: a million voxels are sampled of a PET.
    return sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample


def _usable(voi_window: VoiWindow, sample: np.ndarray) -> Window | None:
    """Return the first window, unless it leaves all of the image black, or all of it white.

    It is in the units of the Modality LUT's output (PS3.3 C.11.2.1.2.1); a server that sends stored
    values beside the header's window would show nothing by it.
    """
    if not voi_window.centers or not voi_window.widths:
        return None
    center, width = float(voi_window.centers[0]), float(voi_window.widths[0])
    if not (np.isfinite(center) and 0 < width < np.inf):
        return None
    sees_something = sample.max() > center - width / 2 and sample.min() < center + width / 2
    return Window(width, center) if sees_something else None


def _by_percentiles(sample: np.ndarray) -> Window:
    darkest, brightest = np.percentile(sample.astype(float), _PERCENTILES)
    if darkest == brightest:
        darkest, brightest = float(sample.min()), float(sample.max())
    return Window(max(float(brightest - darkest), 1e-6), float(brightest / 2 + darkest / 2))
