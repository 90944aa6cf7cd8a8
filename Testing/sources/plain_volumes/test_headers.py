"""What headers of plain volumes say, and ITK takes otherwise or passes over."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from helpers.volume_files import META_HEADER, NRRD_HEADER, the_only
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom.volumes.pixel_sizes import NOT_KNOWN
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource
from IGTLMetaBrowserLib.sources.plain_volumes.headers import NO_PLACE

VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)  # i, j, k


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
    """MetaIO reads the offset 10, 0, 0; so it does of 10_5."""
    for offset in ("10,5 20 30", "10_5 20 30"):
        header = META + f"ElementSpacing = 1 1 1\nOffset = {offset}\nElementDataFile = LOCAL\n"
        (tmp_path / "a.mha").write_bytes(header.encode() + VOXELS.tobytes())
        ((_, why),) = PlainVolumeSource(tmp_path).refused
        assert f"its Offset is '{offset}', not 3 numbers with decimal points" in why


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("spacings: 1,5 1 1", "its spacings are '1,5 1 1'"),
        ("spacings: 1_5 1 1", "its spacings are '1_5 1 1'"),
        ("space directions: (1.5d2,0,0) (0,1,0) (0,0,1)", "its space directions are '(1.5d2,0,"),
        ("space origin: (0x10, 0, 0)", "its space origin are '(0x10, 0, 0)'"),
    ],
)
def test_nor_is_what_only_begins_with_one(tmp_path: Path, field: str, said: str):
    """ITK reads 1, 1.5 and 16 mm; others read 15 mm, or nothing."""
    space = "space: LPS\n" if field.startswith("space ") else ""
    header = f"{NRRD_3D}{space}{field}\n\n"
    (tmp_path / "a.nrrd").write_bytes(header.encode() + VOXELS.tobytes())
    ((_, why),) = PlainVolumeSource(tmp_path).refused
    assert why.startswith("its header makes no sense: " + said)


@pytest.mark.parametrize("number", ["+2.5", ".25e1", "2.5E+0", "25.e-1"])
def test_numbers_are_written_in_many_ways(tmp_path: Path, number: str):
    for name, header in (
        ("a.nrrd", f"{NRRD_3D}spacings: {number} 1 1\n\n"),
        ("a.mha", f"{META}ElementSpacing = {number} 1 1\nElementDataFile = LOCAL\n"),
    ):
        (tmp_path / name).write_bytes(header.encode() + VOXELS.tobytes())
        _, image = the_only(tmp_path)
        assert image.usable_ijk_to_ras()[0, 0] == -2.5
        (tmp_path / name).unlink()


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


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ('space units: "m" "m" "m"', "'m'"),
        ('Space Units: "mm" "mm" "um"', "'um'"),
        ('units: "cm" "cm" "cm"', "'cm'"),
        ('space units: "mm" "mm" "mm"', None),
        ('space units: "" "" "Millimeter"', None),
    ],
)
def test_a_volume_that_is_not_in_mm_is_refused(tmp_path: Path, field: str, unit: str | None):
    """ITK would read it as if it were."""
    header = f"{NRRD_HEADER}{field}\n\n".encode()
    (tmp_path / "a.nrrd").write_bytes(header + bytes(VOXELS.nbytes))
    source = PlainVolumeSource(tmp_path)
    if unit is None:
        assert [item.id for item in source.images()] == ["a"]
    else:
        assert source.refused == [
            ("a.nrrd", f"its unit is {unit}, and only volumes in mm are read; convert it to mm")
        ]


@pytest.mark.parametrize(
    ("sizes", "spacing", "reason"),
    [
        ("60000 60000 60000", "1", "which its bytes cannot hold"),
        ("2 2 2", "1e38", "its spacing or origin is over a kilometer"),
        ("2 2 2", "1e-20", "its voxels are 1e-20 x 1 x 1 mm wide"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, sizes, spacing, reason):
    """A file of some hundred bytes; the others in the folder are offered."""
    header = (
        f"NRRD0005\ntype: short\ndimension: 3\nsizes: {sizes}\n"
        "space: left-posterior-superior\n"
        f"space directions: ({spacing},0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n"
        "encoding: raw\nendian: little\n\n"
    )
    (tmp_path / "lie.nrrd").write_bytes(header.encode() + bytes(16))
    source = PlainVolumeSource(tmp_path)
    assert source.images() == ()
    ((name, why),) = source.refused
    assert name == "lie.nrrd"
    assert reason in why


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("DistanceUnits = um", "its unit is 'um'"),
        ("DistanceUnits = mm", None),
        ("DistanceUnits = ?", None),
        ("ElementToIntensityFunctionSlope = 2", "its ElementToIntensityFunctionSlope is '2'"),
        ("ElementToIntensityFunctionOffset = 0", None),
        (
            "TransformMatrix = 1e50 0 0 0 1e50 0 0 0 1e50",
            "its header makes no sense: its spacing or origin is over a kilometer",
        ),
    ],
)
def test_a_metaimage_that_itk_reads_as_something_else_is_refused(tmp_path, field, reason):
    header = f"{META_HEADER}BinaryData = True\n{field}\nElementDataFile = LOCAL\n"
    (tmp_path / "a.mha").write_bytes(header.encode() + bytes(24))
    source = PlainVolumeSource(tmp_path)
    assert len(source.images()) == (reason is None)
    assert [why.partition(",")[0] for _, why in source.refused] == [reason] * bool(reason)


@pytest.mark.parametrize(
    ("fields", "both"),
    [
        ("Offset = 1 2 3\nOffset = 1 2 4", "Offset twice"),
        ("Offset = 1 2 3\nOrigin = 3 2 1", "Offset and Origin"),
        ("ElementSpacing = 1 1 1\nElementSpacing = 2 1 1", "ElementSpacing twice"),
        (
            "BinaryDataByteOrderMSB = True\nElementByteOrderMSB = False",
            "BinaryDataByteOrderMSB and ElementByteOrderMSB",
        ),
        ("Offset = 1 2 3\nPosition = 1.0 2.0 3.0\nComment = a\nComment = b", None),
    ],
)
def test_a_metaimage_with_two_values_of_a_field_is_refused(tmp_path, fields, both):
    """Readers take the first or the last of them."""
    header = f"{META_HEADER}BinaryData = True\n{fields}\nElementDataFile = LOCAL\n"
    (tmp_path / "a.mha").write_bytes(header.encode() + bytes(24))
    source = PlainVolumeSource(tmp_path)
    reasons = [] if both is None else [f"its header has {both}, with different values"]
    assert [why for _, why in source.refused] == reasons
    assert len(source.images()) == (both is None)


_PLACELESS = "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 24 1 1\nspacings: 1 1 1\nencoding: raw\n"

_META_LOCAL = "BinaryData = True\n{}ElementDataFile = LOCAL\n"


@pytest.mark.parametrize(
    ("name", "header", "is_placed"),
    [
        ("a.nrrd", f"{_PLACELESS}\n", False),
        ("a.nrrd", f"{NRRD_HEADER}\n", True),
        ("a.mha", META_HEADER + _META_LOCAL.format("ElementSpacing = 1 1 1\n"), False),
        ("a.mha", META_HEADER + _META_LOCAL.format("ElementSize = 1 1 1\nOffset = 0 0 0\n"), True),
    ],
)
def test_a_volume_of_which_the_file_does_not_say_how_it_lies_says_so(
    tmp_path, name, header, is_placed
):
    (tmp_path / name).write_bytes(header.encode() + bytes(24))
    source = PlainVolumeSource(tmp_path)
    (item,) = source.images()
    assert source.image(item.id).metadata == ({} if is_placed else {"Position": NO_PLACE})


@pytest.mark.parametrize(
    ("space", "directions", "reason"),
    [
        ("scanner-xyz", "(1,0,0) (0,1,0) (0,0,1)", "its space is 'scanner-xyz'"),
        ("3D-left-handed", "(1,0,0) (0,1,0) (0,0,1)", "its space is '3D-left-handed'"),
        ("LPS", "(1,0,0) (2,0,0) (0,0,1)", "its header makes no sense: its axes lie in one plane"),
    ],
)
def test_a_volume_that_has_no_place_in_the_patient_is_refused(tmp_path, space, directions, reason):
    header = NRRD_HEADER.replace("left-posterior-superior", space)
    header = header.replace("(1,0,0) (0,1,0) (0,0,1)", directions)
    (tmp_path / "a.nrrd").write_bytes(f"{header}\n".encode() + bytes(24))
    ((_, why),) = PlainVolumeSource(tmp_path).refused
    assert why.startswith(reason)
