"""The calibrated pixel spacing of a volume, instead of the one that its image came with.

The center of the first voxel stays where it is, and so do the directions of i, j and k: the DICOM
attributes ImagePositionPatient and ImageOrientationPatient stay true, as they do where DICOM has a
calibrated PixelSpacing (PS3.3 10.7). Two attributes of the node say that its spacing is calibrated,
and what it was; spacings are in mm along i, j and k.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...metadata.providers.calibration import CalibratedSpacing

CALIBRATED_SPACING_ATTRIBUTE = "IGTLMetaBrowser.CalibratedSpacing"
OWN_SPACING_ATTRIBUTE = "IGTLMetaBrowser.SpacingBeforeCalibration"


def calibrate(node: Any, calibration: CalibratedSpacing | None) -> None:
    """Give a volume a calibrated spacing; with None, the one that its image came with."""
    text = node.GetAttribute(OWN_SPACING_ATTRIBUTE)
    own = node.GetSpacing() if text is None else tuple(map(float, text.split()))
    _set_spacing(node, own, calibration)


def calibrate_new(node: Any, calibration: CalibratedSpacing | None) -> None:
    """Do the same with a volume whose spacing is the image's own, as it has just come."""
    _set_spacing(node, node.GetSpacing(), calibration)


def with_stride(
    calibration: CalibratedSpacing | None, stride: tuple[int, int, int]
) -> CalibratedSpacing | None:
    """Return the calibration of a volume that has every ``stride``th voxel along i, j, k only."""
    if calibration is None:
        return None
    along_k = calibration.slice_spacing
    return calibration._replace(
        column_spacing=calibration.column_spacing * stride[0],
        row_spacing=calibration.row_spacing * stride[1],
        slice_spacing=None if along_k is None else along_k * stride[2],
    )


def with_spacing(ijk_to_ras: np.ndarray, calibration: CalibratedSpacing) -> np.ndarray:
    """Return a matrix (4, 4) from voxels to RAS with the calibrated spacing, instead of its own."""
    lengths = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    spacing = _calibrated(lengths[2], calibration)
    calibrated = ijk_to_ras.copy()
    calibrated[:3, :3] *= np.array(spacing) / lengths
    return calibrated


def _calibrated(own_along_k: float, calibration: CalibratedSpacing) -> tuple[float, float, float]:
    along_k = calibration.slice_spacing
    return (
        calibration.column_spacing,
        calibration.row_spacing,
        own_along_k if along_k is None else along_k,
    )


def _set_spacing(
    node: Any, own: tuple[float, float, float], calibration: CalibratedSpacing | None
) -> None:
    spacing = own if calibration is None else _calibrated(own[2], calibration)
    modified = node.StartModify()
    # SetSpacing scales the columns of IJKToRAS, and leaves directions and origin.
    node.SetSpacing(*spacing)
    for attribute, value in (
        (CALIBRATED_SPACING_ATTRIBUTE, spacing),
        (OWN_SPACING_ATTRIBUTE, own),
    ):
        text = " ".join(map(repr, value))
        node.SetAttribute(attribute, None if calibration is None else text)
    node.EndModify(modified)
