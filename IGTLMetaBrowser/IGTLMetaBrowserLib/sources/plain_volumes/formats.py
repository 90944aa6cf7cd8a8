"""How files of volumes are called, and how their headers name the voxels and end."""

from __future__ import annotations

import re
from pathlib import Path

NRRD_ENDINGS = (".nrrd", ".nhdr")
META_ENDINGS = (".mha", ".mhd")
NIFTI_ENDINGS = (".nii.gz", ".nii")
LONGEST_HEADER = 1 << 20
# teem.sourceforge.net/nrrd/format.html: a header ends with an empty line.
NRRD_END = re.compile(rb"\n\r?\n")
# The last field of a MetaImage's header, which voxels follow if they are in the same file.
META_FIELD = b"ElementDataFile"
META_NAME = re.compile(META_FIELD + rb"\s*[=:]([^\r\n]*)")
META_ITSELF = (b"LOCAL", b"Local", b"local")
SEVERAL_NAMES = "its header names several files of voxels; save it as one file"


def ending_of(path: Path) -> str:
    """Return how the name of a volume ends, by which its reader is chosen; empty if it is none.

    Not ``suffix``, which a file that is called ``.nrrd`` has not.
    """
    name = path.name.lower()
    endings = (*NRRD_ENDINGS, *META_ENDINGS, *NIFTI_ENDINGS)
    return next((ending for ending in endings if name.endswith(ending)), "")
