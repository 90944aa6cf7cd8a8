"""Calibrated pixel spacing: what a user measured, over what the image says of itself.

A projection image shows things larger than they are, by a factor that depends on where they lie.
Who knows the true size of something in it can say what the spacing is there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..image_modules import Calibration, ImagePlane
from ..modules import CALIBRATION, IMAGE_PLANE
from ..observable import ImageProvider
from ..registry import NOTHING

PLAUSIBLE_SPACINGS = (0.0001, 100.0)
"""mm between pixels or slices: from microscopes to the thickest slices there are."""


class CalibratedSpacing(NamedTuple):
    """mm between rows, between columns, and between slices if that is known.

    Of a volume these are the spacings along j, i and k.
    """

    row_spacing: float
    column_spacing: float
    slice_spacing: float | None = None


class CalibrationProvider(ImageProvider[CalibratedSpacing]):
    """Knows the calibrated spacing of images.

    It is as transient as the program: nothing is written anywhere. The answers are the module
    ``IMAGE_PLANE`` with nothing but the spacings, and the module ``CALIBRATION``.
    """

    name = "calibration"

    def calibrate(
        self,
        image_id: str,
        row_spacing: float,
        column_spacing: float | None = None,
        *,
        slice_spacing: float | None = None,
    ) -> None:
        """Say what the spacing of an image is, or change it.

        ``row_spacing`` is mm between rows; without ``column_spacing``, columns are as far from
        each other; without ``slice_spacing``, slices are as far as the image says. Raises
        ``ValueError`` if one is not within ``PLAUSIBLE_SPACINGS``.
        """
        if column_spacing is None:
            column_spacing = row_spacing
        spacings = (row_spacing, column_spacing, slice_spacing)
        least, most = PLAUSIBLE_SPACINGS
        for spacing in (spacing for spacing in spacings if spacing is not None):
            if not least <= spacing <= most:
                raise ValueError(
                    f"the spacing of {image_id!r} cannot be {spacing:g} mm; give the distance of "
                    f"two pixels' centers in mm, a number from {least:g} to {most:g}"
                )
        along_k = None if slice_spacing is None else float(slice_spacing)
        calibration = CalibratedSpacing(float(row_spacing), float(column_spacing), along_k)
        self._keep(image_id, calibration)

    def calibration(self, image_id: str) -> CalibratedSpacing | None:
        """Return the calibrated spacing of an image, or None."""
        return self._kept.get(image_id)

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return the calibrated part of an image's plane or calibration module."""
        calibration = self._kept.get(image_id)
        if calibration is None:
            return NOTHING
        if type_ == IMAGE_PLANE:
            return ImagePlane(
                PixelSpacing=(calibration.row_spacing, calibration.column_spacing),
                SpacingBetweenSlices=calibration.slice_spacing,
            )
        if type_ == CALIBRATION:
            return Calibration("FIDUCIAL", "typed in by the user")  # PS3.3 10.7.1.2
        return NOTHING
