"""What headers of plain volumes say, and ITK takes otherwise or passes over."""

from __future__ import annotations

import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest

from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.privacy.kept_texts import kept_notices
from IGTLMetaBrowserLib.sources.dicom.sizes import NOT_KNOWN
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource

VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)  # i, j, k
OBLIQUE = np.array([[0, 0, 3, 10], [1, 0, 0, 20], [0, 2, 0, 30], [0, 0, 0, 1.0]])
# Along k: the normal of the other two.
TILTED = np.array([[1.2, 0, -0.8, 10], [0, 2, 0, 20], [1.6, 0, 0.6, 30], [0, 0, 0, 1]])
ELSEWHERE = np.diag([1.0, 2.0, 3.0, 1.0])


def write_nifti(path: Path, voxels=VOXELS, sform=None, qform=None, **fields) -> None:
    """Write a file with these matrices, as (code, matrix); then change fields of its header."""
    image = nibabel.Nifti1Image(voxels, None)
    for put, form in ((image.set_sform, sform), (image.set_qform, qform)):
        put(*(form or (0, None))[::-1])
    nibabel.save(image, path)
    raw = bytearray(path.read_bytes())
    header = nibabel.Nifti1Header(bytes(raw[:348]), check=False)
    for field, value in fields.items():
        header[field] = value
    path.write_bytes(header.binaryblock + bytes(raw[348:]))


def the_only(folder: Path):
    source = PlainVolumeSource(folder)
    assert not source.refused
    (item,) = source.images()
    return item, source.image(item.id)


def test_a_nifti_matrix_has_its_own_lengths(tmp_path: Path):
    """As of an image that was registered: pixdim still is that of the scanner."""
    write_nifti(tmp_path / "a.nii", sform=(2, OBLIQUE), pixdim=[1, 9, 9, 9, 1, 1, 1, 1])
    _, image = the_only(tmp_path)
    np.testing.assert_allclose(image.ijk_to_ras(), OBLIQUE, atol=1e-5)


@pytest.mark.parametrize("form", ["sform", "qform"])
def test_a_nifti_slice_lies_in_space(tmp_path: Path, form: str):
    """ITK has two dimensions of it, and leaves out the third of its place."""
    write_nifti(tmp_path / "a.nii", VOXELS[..., 0], **{form: (1, TILTED)})
    _, image = the_only(tmp_path)
    np.testing.assert_allclose(image.ijk_to_ras()[:, [0, 1, 3]], TILTED[:, [0, 1, 3]], atol=1e-5)
    np.testing.assert_array_equal(image.pixels[0].T, VOXELS[..., 0])


def test_a_nifti_slice_that_itk_cannot_read_is_refused(tmp_path: Path):
    write_nifti(tmp_path / "a.nii", VOXELS[..., 0], sform=(1, OBLIQUE))
    ((_, reason),) = PlainVolumeSource(tmp_path).refused
    assert "save it as a volume of one slice" in reason


@pytest.mark.parametrize(("codes", "taken"), [((1, 1), OBLIQUE), ((2, 1), ELSEWHERE)])
def test_two_nifti_matrices_that_differ_are_named(tmp_path: Path, codes, taken):
    write_nifti(tmp_path / "a.nii", sform=(codes[0], OBLIQUE), qform=(codes[1], ELSEWHERE))
    _, image = the_only(tmp_path)
    np.testing.assert_allclose(image.ijk_to_ras(), taken, atol=1e-5)
    name = "sform" if taken is OBLIQUE else "qform"
    notice = image.metadata["Notice"]
    assert notice.startswith("its qform and sform differ by up to 3")
    assert notice.endswith(f" mm: it lies as its {name} says")
    assert kept_notices(notice) == notice  # also if names are hidden


def test_two_nifti_matrices_that_are_alike_are_not_worth_a_word(tmp_path: Path):
    nearly = OBLIQUE + np.array([0, 0, 0, 0.01])[np.newaxis] * [[1], [1], [1], [0]]
    write_nifti(tmp_path / "a.nii", sform=(1, OBLIQUE), qform=(1, nearly))
    assert the_only(tmp_path)[1].metadata == {}


def test_a_nifti_intercept_without_a_slope_is_refused(tmp_path: Path):
    """By nifti1.h, a slope of 0 means that values are as they are; ITK adds the intercept."""
    write_nifti(tmp_path / "a.nii", sform=(1, OBLIQUE), scl_slope=0, scl_inter=7)
    ((_, reason),) = PlainVolumeSource(tmp_path).refused
    assert reason == "its scl_slope is 0, so that its scl_inter, 7, means nothing; set it to 0"


def test_nifti_voxels_within_the_header_are_refused(tmp_path: Path):
    """ITK begins to read four bytes too early."""
    write_nifti(tmp_path / "a.nii", sform=(1, OBLIQUE), vox_offset=0)
    ((_, reason),) = PlainVolumeSource(tmp_path).refused
    assert reason.startswith("its voxels begin at byte 0 (vox_offset), which is within its header")


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
