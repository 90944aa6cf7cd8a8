"""Headers of volumes that name the file of their voxels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from helpers.volume_files import META_HEADER, NRRD_HEADER, VOXELS, write_with_itk
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.nrrd", f"{NRRD_HEADER}data file: {{secret}}\n\n"),
        ("a.nhdr", f"{NRRD_HEADER}DATA FILE: ../secret.txt\n\n"),
        ("a.nhdr", f"{NRRD_HEADER}data file: LIST\n../secret.txt\n"),
        ("a.nhdr", f"{NRRD_HEADER}data file: link.raw\n\n"),
        (".nhdr", f"{NRRD_HEADER}data file: {{secret}}\n\n"),
        (".mhd", f"{META_HEADER}ElementDataFile = {{secret}}\n"),
        ("a.mhd", f"{META_HEADER}ElementDataFile = {{secret}}\n"),
        ("a.mha", f"{META_HEADER}ElementDataFile : ../secret.txt\n"),
        ("a.mhd", f"{META_HEADER}ElementDataFile = LIST\n../secret.txt\n"),
        (
            "a.mha",
            f"{META_HEADER}Comment = ElementDataFile = LOCAL\nElementDataFile = {{secret}}\n",
        ),
        ("a.mhd", f"{META_HEADER}{'Comment = long' * 40000}\nElementDataFile = {{secret}}\n"),
        ("a.mhd", f"{META_HEADER}ElementDataFile = /dev/zero\n"),
        ("a.mhd", f"{META_HEADER}ElementDataFile = pipe\n"),
        # Files of these names are there, but readers take them for lists, or for patterns.
        ("a.nhdr", f"{NRRD_HEADER}data file: LIST 2\n../secret.txt\n"),
        ("a.mhd", f"{META_HEADER}ElementDataFile = LIST 2\n../secret.txt\n"),
        ("a.mhd", f"{META_HEADER}ElementDataFile = s%d.raw 1 1 1\n"),
        (
            "a.nhdr",
            f"{NRRD_HEADER}# data file: s1.raw\n{'# long' * 200_000}\ndata file: ../secret.txt\n\n",
        ),
    ],
)
def test_a_header_that_names_another_file_of_the_computer_is_refused(tmp_path, name, header):
    """What somebody puts into the folder must not make an image of what else is on the disk."""
    folder, secret = tmp_path / "served", tmp_path / "secret.txt"
    folder.mkdir()
    secret.write_bytes(b"a secret that nobody gets")
    (folder / "link.raw").symlink_to(secret)
    os.mkfifo(folder / "pipe")
    for beside in ("LIST 2", "s%d.raw 1 1 1", "s1.raw"):
        (folder / beside).write_bytes(bytes(24))
    (folder / name).write_text(header.format(secret=secret))
    source = PlainVolumeSource(folder)
    assert source.images() == ()
    assert [refused for refused, _ in source.refused] == [name]


def test_voxels_that_change_beside_their_header_are_not_sent(tmp_path: Path):
    write_with_itk(tmp_path / "head.mhd")
    source = PlainVolumeSource(tmp_path)
    np.testing.assert_array_equal(source.image("head").pixels, VOXELS)
    (tmp_path / "head.raw").write_bytes(VOXELS.tobytes() + b"more")
    with pytest.raises(SourceError, match="has changed since it was listed"):
        source.image("head")
