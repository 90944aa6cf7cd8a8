"""Files of volumes as ITK writes them, and headers to be ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource

# Anisotropic, turned about an axis, off center; mm, RAS.
OBLIQUE = np.array(
    [
        [0.8 * 0.9, -0.6 * 1.5, 0, -12.5],
        [0.6 * 0.9, 0.8 * 1.5, 0, 40],
        [0, 0, 3.0, -7],
        [0, 0, 0, 1],
    ]
)
VOXELS = np.arange(4 * 3 * 2, dtype=np.int16).reshape(4, 3, 2)  # k, j, i
_LPS_TO_RAS = np.diag([-1.0, -1, 1, 1])

# Of 24 voxels of a byte; fields and the end are to follow.
NRRD_HEADER = (
    "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 24 1 1\nspace: left-posterior-superior\n"
    "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: raw\n"
)
META_HEADER = "ObjectType = Image\nNDims = 3\nDimSize = 24 1 1\nElementType = MET_UCHAR\n"


def write_with_itk(path: Path, voxels: np.ndarray = VOXELS) -> None:
    """Write a file with the geometry ``OBLIQUE``."""
    image = SimpleITK.GetImageFromArray(voxels)
    affine = _LPS_TO_RAS @ OBLIQUE
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(path))


def the_only(folder: Path) -> tuple[codec.ImageMetaItem, codec.ImageMessage]:
    """Return the image that a folder offers, as it is listed and as it is sent."""
    source = PlainVolumeSource(folder)
    assert not source.refused
    (item,) = source.images()
    return item, source.image(item.id)
