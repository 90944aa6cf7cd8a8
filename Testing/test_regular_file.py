"""Files that are opened only if they are files; what of them cannot be read is an error."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from IGTLMetaBrowserLib.dicom_index.headers.header_reader import read_file
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.regular_file import RegularFile
from IGTLMetaBrowserLib.sources.dicom.pixels.stored_pixels import read_into
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource

MEMORY = Path("/proc/self/mem")  # a regular file, whose beginning cannot be read
without_memory = pytest.mark.skipif(not MEMORY.exists(), reason="there is no /proc here")


def test_a_file_that_has_nothing_to_be_read_now_is_not_empty():
    """As the kernel's log, which is a regular file; Python returns None, which is no bytes."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    file = RegularFile.__new__(RegularFile)  # a pipe would be refused
    io.FileIO.__init__(file, reading)
    with file, pytest.raises(BlockingIOError):
        file.read(100)
    os.close(writing)


@without_memory
def test_a_disk_that_cannot_be_read_is_said_of_a_volume_and_the_others_are_served(tmp_path: Path):
    (tmp_path / "a.nrrd").symlink_to(MEMORY)
    source = PlainVolumeSource(tmp_path)
    assert source.refused == [("a.nrrd", "'a.nrrd' cannot be read: Input/output error")]


@without_memory
def test_so_it_is_of_a_dicom_file():
    assert read_file(str(MEMORY)).reason == "cannot be read: Input/output error"


@without_memory
def test_so_it_is_of_its_pixels():
    """As on a share that is away since the file was opened."""
    file = SimpleNamespace(
        name="1.dcm", header=SimpleNamespace(pixels=SimpleNamespace(offset=0, length=4))
    )
    with (
        RegularFile(MEMORY) as opened,
        pytest.raises(SourceError, match=r"'1\.dcm' can no longer be read: Input/output error"),
    ):
        read_into(np.zeros(4, np.uint8), opened, file, 0)
