"""Small DICOM files of many kinds, and what the fuzzer does with the header of any file."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pydicom.data
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from helpers import radiotherapy as study
from IGTLMetaBrowserLib.dicom_index.fields import PATHS
from IGTLMetaBrowserLib.dicom_index.headers import header_reader
from IGTLMetaBrowserLib.dicom_index.headers.image_header import unpack_header

SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
LARGEST = 8192  # bytes: larger ones are changed mostly in their pixels


def small_files() -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of files of each kind and encoding, pydicom's own among them."""
    slices = [study.ct_slice(number) for number in (1, 2)]
    kinds = {
        "ct": slices[0],
        "structures": study.structure_set(),
        "plan": study.plan(),
        "dose": study.dose(),
        "pet": study.pet(),
        "segmentation": study.segmentation(slices),
    }
    for kind, dataset in kinds.items():
        for number, syntax in enumerate(SYNTAXES):
            yield f"{kind}-{number}", bytes_of(dataset, syntax)
    for path in sorted(Path(pydicom.data.__file__).parent.rglob("*.dcm")):
        data = path.read_bytes()
        if len(data) <= LARGEST:
            yield path.name, data


def bytes_of(dataset: Dataset, syntax: str) -> bytes:
    """Return the dataset as a file of that transfer syntax."""
    dataset.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    pydicom.dcmwrite(
        file,
        dataset,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=True,
        overwrite=True,
    )
    return file.getvalue()


def read_header(data: bytes) -> None:
    """Read the header of a file: whatever is in it, nothing is raised."""
    path = _file()
    path.write_bytes(data)
    content = header_reader.read_file(str(path))
    is_dicom = content.kind == header_reader.DICOM
    assert len(content.values) == (len(PATHS) if is_dicom else 0)
    assert content.reason or content.kind != header_reader.UNREADABLE
    if content.image is not None:
        shared, rest = content.image
        header = unpack_header(json.loads(shared), rest)
        for keyword in header.frames:
            header.get(keyword, 0)


@cache
def _file() -> Path:
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    number, name = tempfile.mkstemp(prefix="igtl-fuzz-", dir=folder)
    os.close(number)
    return Path(name)
