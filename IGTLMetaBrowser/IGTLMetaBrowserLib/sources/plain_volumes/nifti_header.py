"""The header of a NIfTI file, and what it says of its voxels that ITK takes otherwise.

- nifti1.h: a voxel stands for ``scl_slope * voxel + scl_inter`` if the slope is not 0, and it is no
  color. ITK adds the intercept also to what has no slope, takes for 1 what is nearly 0, and for 0
  what is no number, and scales colors.
- Of what was written before NIfTI (Analyze, which has no ``magic``) it reads all that it has in
  common; of vectors that displace (``intent_code``) it changes the signs.
- Whether a file has all its voxels is counted by ``bitpix``, and ITK goes by ``datatype``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...net.source import SourceError

if TYPE_CHECKING:
    from nibabel import Nifti1Header

_COLORS = (128, 2304)  # RGB24, RGBA32 (nifti1.h, datatype)
# Up to which bytes that nobody sees are inflated: it takes a second or two.
_LONGEST_EXTENSIONS = 256 << 20
_DISPLACEMENTS = 1006  # NIFTI_INTENT_DISPVECT
_NEARLY_0 = np.finfo(float).eps  # itkNiftiImageIO.cxx, ReadImageInformation


def nifti_header(data: bytes) -> Nifti1Header:
    """Return the header with which a file begins. Raises ``SourceError``."""
    try:
        import nibabel
    except ImportError:
        raise SourceError(
            "reading NIfTI files needs nibabel, which this Python does not have; "
            "install it: pip install nibabel"
        ) from None
    is_second = data[4:8] == b"n+2\0"
    kind = nibabel.Nifti2Header if is_second else nibabel.Nifti1Header
    try:
        return kind(data[: kind.template_dtype.itemsize], check=False)
    except nibabel.spatialimages.HeaderDataError as error:
        raise SourceError(f"it cannot be read: {error}") from None


def check_nifti_voxels(header: Nifti1Header) -> None:
    """Raise ``SourceError`` if ITK reads other voxels, or values, than a file has."""
    if header["magic"] not in (header.single_magic, header.pair_magic):
        raise SourceError("its header does not say that it is NIfTI (magic); save it as NIfTI")
    begin = float(header["vox_offset"])
    # Before that are the header and whether extensions follow it; ITK takes the latter for voxels.
    if not header.single_vox_offset <= begin <= _LONGEST_EXTENSIONS:
        raise SourceError(
            f"its voxels begin at byte {begin:g} (vox_offset), which is within its header or "
            "far behind it; save it again"
        )
    sides = header["dim"][1:][: int(header["dim"][0])]
    # ITK takes 0 for 1, which it stands for behind the last side, and nowhere else.
    if (np.trim_zeros(sides, "b") < 1).any():
        raise SourceError(f"its header makes no sense: its dim is {[*map(int, sides)]}")
    bits = header.get_data_dtype().itemsize * 8
    if header["bitpix"] != bits:
        raise SourceError(
            f"its header makes no sense: its bitpix is {header['bitpix']}, and its voxels have "
            f"{bits} bits (datatype)"
        )
    if header["intent_code"] == _DISPLACEMENTS:
        raise SourceError("it holds displacements (intent_code), which is no image")
    _check_scaling(header)


def _check_scaling(header: Nifti1Header) -> None:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0:
        if np.isfinite(intercept) and intercept != 0:
            raise SourceError(
                f"its scl_slope is {slope:g}, so that its scl_inter, {intercept:g}, means nothing; "
                "set it to 0"
            )
    elif not np.isfinite(intercept) or abs(slope) <= _NEARLY_0:
        raise SourceError(
            f"its values cannot be known: its scl_slope is {slope:g}, its scl_inter {intercept:g}"
        )
    elif header["datatype"] in _COLORS and (slope, intercept) != (1, 0):
        raise SourceError(
            f"its scl_slope is {slope:g} and its scl_inter {intercept:g}, which mean nothing for "
            "colors; set both to 0"
        )
