"""Programs that hold DICOM files against the standard, each if it is there.

dciodvfy (Debian: dicom3tools) has the standard built in. dicom-validator (PyPI) reads an edition of
it: IGTLMETA_DICOM_STANDARD names the folder in which it keeps these, such as ~/dicom-validator.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

INSTALL_DCIODVFY = "apt-get install -y --no-install-recommends dicom3tools"
STANDARD = os.environ.get("IGTLMETA_DICOM_STANDARD", "")
WHY_NO_STANDARD = (
    "no edition of the DICOM standard: make one as helpers/dicom_standard.py says, or run "
    "validate_iods once where dicom.nema.org is reached; name its folder in IGTLMETA_DICOM_STANDARD"
)


def has_dciodvfy() -> bool:
    return shutil.which("dciodvfy") is not None


def dciodvfy(file: Path) -> list[str]:
    """Return what dciodvfy takes for an error."""
    command = ["dciodvfy", "-new", str(file)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    lines = (result.stdout + result.stderr).splitlines()
    return [line for line in lines if line.startswith(("Error", "Abort"))]


def dicom_validator(file: Path) -> Any:
    """Return dicom-validator's result: ``status``, and the number of ``errors``."""
    from dicom_validator.validator.dicom_file_validator import DicomFileValidator

    (result,) = DicomFileValidator(_edition()).validate(file).values()
    return result


@cache
def _edition() -> Any:
    """Return the newest edition in the folder, which dicom-validator parses the first time."""
    from dicom_validator.spec_reader.edition_reader import EditionReader

    reader = EditionReader(STANDARD)
    name = max(path.parent.name for path in Path(STANDARD).glob("20*/*"))
    if not reader.json_files_exist(name):
        reader.json_path(name).mkdir(exist_ok=True)
        reader.create_json_files(name)
    return reader.load_dicom_info(name)
