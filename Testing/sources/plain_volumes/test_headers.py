"""What headers of plain volumes say, and ITK takes otherwise or passes over."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom.sizes import NOT_KNOWN
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource

VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)  # i, j, k


def the_only(folder: Path):
    source = PlainVolumeSource(folder)
    assert not source.refused
    (item,) = source.images()
    return item, source.image(item.id)


NRRD = "NRRD0005\ntype: short\nencoding: raw\nendian: little\n"
NRRD_3D = NRRD + "dimension: 3\nsizes: 2 3 4\n"
META = "ObjectType = Image\nNDims = 3\nDimSize = 2 3 4\nElementType = MET_SHORT\n"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.nrrd", NRRD_3D + "\n"),
        ("a.nrrd", NRRD_3D + "spacings: 1 2 nan\n\n"),
        ("a.nrrd", NRRD_3D + "space: LPS\nspace origin: (1,2,3)\n\n"),
        ("a.mha", META + "Offset = 1 2 3\nElementDataFile = LOCAL\n"),
        ("a.mha", META + "elementspacing = 1 2 3\nElementDataFile = LOCAL\n"),
    ],
)
def test_a_volume_without_spacings_is_not_one_of_a_millimeter(tmp_path: Path, name, header):
    (tmp_path / name).write_bytes(header.encode() + VOXELS.tobytes())
    item, image = the_only(tmp_path)
    assert (item.id, item.name) == ("a", "a (mm not known)")
    assert image.metadata["Notice"] == NOT_KNOWN


SPACED = NRRD + "space: LPS\nspace origin: (0,0,0)\n"
LAST = "dimension: 4\nsizes: 2 3 2 2\nspace directions: (1,0,0) (0,1,0) (0,0,1) none\n"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (NRRD_3D + "axis mins: 0 0 0\naxis maxs: 4 6 8\n", "where its axes begin and end"),
        (NRRD_3D + "spacings: 1 1 1\nold min: 0\nold max: 1\n", "has old min or old max"),
        (SPACED + LAST + "kinds: domain domain domain list\n", "it is a list of '2' volumes"),
        (NRRD_3D + "spacings: 1 1 40\nkinds: domain domain time\n", "its axis of '4' is time"),
        (
            SPACED.replace("short", "uchar")
            + "dimension: 4\nsizes: 3 2 2 2\nkinds: HSV-color domain domain domain\n"
            + "space directions: none (1,0,0) (0,1,0) (0,0,1)\n",
            "its colors are hsv-color",
        ),
    ],
)
def test_a_nrrd_file_that_itk_reads_as_something_else_is_refused(tmp_path: Path, header, reason):
    (tmp_path / "a.nrrd").write_bytes(f"{header}\n".encode() + VOXELS.tobytes())
    ((_, why),) = PlainVolumeSource(tmp_path).refused
    assert reason in why


@pytest.mark.parametrize(
    ("name", "header", "reason"),
    [
        ("a.nrrd", NRRD_3D + "spacings: -1 2 3\n\n", "its spacings are '-1 2 3', less than 0"),
        ("a.mha", META + "ElementSpacing = 1 2 -3\n", "its spacings are '1 2 -3', less than 0"),
        (
            "a.mha",
            META + "HeaderSize = 10\n",
            "its HeaderSize is '10', though its voxels",
        ),
        ("a.nrrd", NRRD_3D + "line skip: 4000000000\n\n", "passes over 10000 lines or more"),
        ("a.nrrd", NRRD_3D + f"lineskip: {'9' * 5000}\n\n", "passes over 10000 lines or more"),
    ],
    ids=range(5),
)
def test_headers_that_itk_would_follow_to_no_good_are_refused(tmp_path, name, header, reason):
    """It would mirror the volume, take the header for voxels, or read lines for ever."""
    if name == "a.mha":
        header += "ElementDataFile = LOCAL\n"
    (tmp_path / name).write_bytes(header.encode() + VOXELS.tobytes())
    ((_, why),) = PlainVolumeSource(tmp_path).refused
    assert reason in why


def test_decimal_commas_are_no_numbers(tmp_path: Path):
    """MetaIO reads the offset 10, 0, 0."""
    header = META + "ElementSpacing = 1 1 1\nOffset = 10,5 20 30\nElementDataFile = LOCAL\n"
    (tmp_path / "a.mha").write_bytes(header.encode() + VOXELS.tobytes())
    ((_, why),) = PlainVolumeSource(tmp_path).refused
    assert "its Offset is '10,5 20 30', not 3 numbers with decimal points" in why


@pytest.mark.parametrize("size", ["", "CompressedDataSize = 20\n", "right"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_compressed_voxels_are_those_of_the_file(tmp_path: Path, size: str, order: str):
    """With another CompressedDataSize, or none, MetaIO returns what was in memory before."""
    voxels = zlib.compress(VOXELS.astype(f"{order}i2").tobytes())
    header = (
        META + f"ElementSpacing = 1 1 1\nOffset = 0 0 0\nBinaryDataByteOrderMSB = {order == '>'}\n"
    )
    header += "CompressedData = True\n"
    header += f"CompressedDataSize = {len(voxels)}\n" if size == "right" else size
    (tmp_path / "a.mha").write_bytes(f"{header}ElementDataFile = LOCAL\n".encode() + voxels)
    if size == "right":
        np.testing.assert_array_equal(the_only(tmp_path)[1].pixels.ravel(), VOXELS.ravel())
    else:
        with pytest.raises(SourceError, match="its header does not fit its compressed voxels"):
            PlainVolumeSource(tmp_path).image("a")
