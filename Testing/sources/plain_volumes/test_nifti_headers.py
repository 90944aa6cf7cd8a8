"""What headers of NIfTI files say, and ITK takes otherwise; compared with nibabel, by nifti1.h."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nibabel.cmdline.convert import main as nib_convert

from helpers.volume_files import the_only
from IGTLMetaBrowserLib.privacy.kept_texts import kept_notices
from IGTLMetaBrowserLib.sources.dicom.volumes.pixel_sizes import NOT_KNOWN
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource
from IGTLMetaBrowserLib.sources.plain_volumes.headers import NO_PLACE
from IGTLMetaBrowserLib.sources.plain_volumes.whole_voxels import nifti_begin

VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)  # i, j, k
COLORS = np.zeros((2, 3, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
VECTORS = np.arange(72, dtype="<f4").reshape(2, 3, 4, 1, 3)
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


def test_a_nifti_matrix_has_its_own_lengths(tmp_path: Path):
    """As of an image that was registered: pixdim still is that of the scanner."""
    write_nifti(tmp_path / "a.nii", sform=(2, OBLIQUE), pixdim=[1, 9, 9, 9, 1, 1, 1, 1])
    _, image = the_only(tmp_path)
    np.testing.assert_allclose(image.ijk_to_ras(), OBLIQUE, atol=1e-5)


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_a_single_nifti_slice_is_as_thick_as_its_matrix_says(tmp_path: Path, axis: str):
    """Its voxels lie in the same places with the width in pixdim, and are of another size."""
    voxels = VOXELS.take([0], "ijk".index(axis))
    write_nifti(tmp_path / "a.nii", voxels, sform=(1, OBLIQUE), **widths(**{axis: 9}))
    _, image = the_only(tmp_path)
    np.testing.assert_allclose(image.ijk_to_ras(), OBLIQUE, atol=1e-5)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
@pytest.mark.parametrize("slope", [None, -2.0])
def test_voxels_that_are_no_number_stay_so(tmp_path: Path, name: str, dtype: str, slope):
    """ITK has 0 for them, as if that were a result."""
    voxels = VOXELS.astype(dtype)
    voxels[0, 0, 0], voxels[1, 2, 1], voxels[1, 0, 3] = np.nan, np.inf, -np.inf
    header = nibabel.Nifti1Header(endianness=dtype[0])
    nibabel.save(nibabel.Nifti1Image(voxels, OBLIQUE, header), tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    if slope is not None:
        data[112:116] = np.array(slope, dtype[0] + "f4").tobytes()
    (tmp_path / "a.nii").unlink()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    _, image = the_only(tmp_path)
    np.testing.assert_array_equal(image.pixels.T, nibabel.load(tmp_path / name).get_fdata())


def test_components_that_are_no_number_stay_so(tmp_path: Path):
    vectors = VECTORS.copy()
    vectors[1, 0, 2, 0, 1], vectors[0, 2, 3, 0, 2] = np.nan, np.inf
    write_nifti(tmp_path / "a.nii", vectors, sform=(1, OBLIQUE), intent_code=1007)
    _, image = the_only(tmp_path)
    np.testing.assert_array_equal(image.pixels.transpose(2, 1, 0, 3), vectors[:, :, :, 0])


def test_a_nifti_matrix_with_a_little_shear_keeps_it(tmp_path: Path):
    """The rotation beside it, which ITK takes, is not far from it."""
    sheared = OBLIQUE.copy()
    sheared[1, 1] = 0.03
    write_nifti(tmp_path / "a.nii", sform=(1, sheared), qform=(1, OBLIQUE))
    _, image = the_only(tmp_path)
    np.testing.assert_allclose(image.ijk_to_ras(), sheared, atol=1e-5)
    assert image.metadata == {}


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


NAN, INF = float("nan"), float("inf")
QFORM, SFORM = {"qform": (1, OBLIQUE)}, {"sform": (1, OBLIQUE)}
MIRRORED = {"qform": (1, OBLIQUE @ np.diag([1, 1, -1, 1]))}


def widths(i: float = 1, j: float = 2, k: float = 3, qfac: float = 1) -> dict:
    return {"pixdim": [qfac, i, j, k, 1, 1, 1, 1]}


@pytest.mark.parametrize(
    "header",
    [
        QFORM,
        SFORM,
        MIRRORED,
        {**QFORM, **widths(qfac=0)},  # nifti1.h: this should not occur, and is 1
        {**QFORM, **widths(qfac=4)},  # the dimensions, as of files that were Analyze
        {**QFORM, **widths(qfac=-1)},
        {**SFORM, **widths(i=-1)},  # a matrix with lengths of its own
        {**SFORM, **widths(k=INF, qfac=NAN)},
        {**QFORM, **SFORM, **widths(i=-1)},
        {**QFORM, "scl_slope": 0, "scl_inter": 0},
        {**QFORM, "scl_slope": NAN, "scl_inter": NAN},
        {**QFORM, "scl_slope": INF, "scl_inter": 0},
        {**QFORM, "scl_slope": 1, "scl_inter": -1024},
        {**QFORM, "scl_slope": -2.5, "scl_inter": 3},
        {**QFORM, "scl_slope": 1e30, "scl_inter": 0},
        {**QFORM, "quatern_b": 0.5, "quatern_c": 0.5, "quatern_d": 0.5},
        {**QFORM, "quatern_b": 0.70710678, "quatern_c": 0.70710678, "quatern_d": 0},
        {**QFORM, "dim": [4, 2, 3, 4, 1, 1, 1, 1]},
        {**QFORM, "magic": b"ni1"},  # of two files, in one
    ],
    ids=str,
)
def test_voxels_and_place_of_a_nifti_file_are_those_that_nibabel_reads(tmp_path: Path, header):
    write_nifti(tmp_path / "a.nii", **header)
    _, image = the_only(tmp_path)
    assert "Position" not in image.metadata
    other = nibabel.load(tmp_path / "a.nii")
    np.testing.assert_allclose(image.ijk_to_ras(), other.affine, atol=1e-5)
    values = np.asarray(other.dataobj).reshape(VOXELS.shape)
    np.testing.assert_allclose(image.pixels.T, values, rtol=1e-6)


def test_0_behind_the_last_side_of_a_nifti_volume_is_1(tmp_path: Path):
    write_nifti(tmp_path / "a.nii", **QFORM, dim=[4, 2, 3, 4, 0, 0, 0, 0])
    _, image = the_only(tmp_path)
    assert image.pixels.T.shape == VOXELS.shape


def test_a_nifti_rotation_that_rounding_has_lengthened_is_one(tmp_path: Path):
    """nibabel refuses it, niftilib does not."""
    half_a_turn = np.diag([-1.0, -2.0, 3.0, 1.0])
    write_nifti(tmp_path / "a.nii", qform=(1, half_a_turn), quatern_d=1.00001)
    _, image = the_only(tmp_path)
    assert image.metadata == {}
    np.testing.assert_allclose(image.ijk_to_ras(), half_a_turn, atol=1e-5)


def test_a_nifti_volume_without_spacings_lies_as_its_qform_says(tmp_path: Path):
    write_nifti(tmp_path / "a.nii", **QFORM, **widths(0, 0, 0))
    item, image = the_only(tmp_path)
    assert item.name == "a (mm not known)"
    assert image.metadata == {"Notice": NOT_KNOWN}
    of_1_mm = OBLIQUE / np.array([1, 2, 3, 1])
    np.testing.assert_allclose(image.ijk_to_ras()[:3, :3], of_1_mm[:3, :3], atol=1e-5)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        # By nifti1.h, values are as they are then; ITK adds the intercept.
        ({"scl_slope": 0, "scl_inter": 7}, "scl_slope is 0, so that its scl_inter, 7, means noth"),
        ({"scl_slope": NAN, "scl_inter": 7}, "scl_slope is nan, so that its scl_inter, 7, means"),
        ({"scl_slope": -INF, "scl_inter": 7}, "scl_slope is -inf, so that its scl_inter, 7, mean"),
        ({"scl_slope": 1, "scl_inter": NAN}, "its scl_slope is 1, its scl_inter nan"),
        ({"scl_slope": 2, "scl_inter": INF}, "its scl_slope is 2, its scl_inter inf"),
        ({"scl_slope": 1e-30, "scl_inter": 0}, "its scl_slope is 1e-30"),
        ({"voxels": COLORS, "scl_slope": 2, "scl_inter": 1}, "which mean nothing for colors"),
        ({"voxels": VECTORS, "intent_code": 1006}, "it holds displacements (intent_code)"),
        # ITK mirrors what is less than 0, and takes 1 for infinity.
        ({**QFORM, **widths(i=-1)}, "its voxels are -1 x 2 x 3 wide (pixdim)"),
        ({**QFORM, **widths(k=INF)}, "its voxels are 1 x 2 x inf wide (pixdim)"),
        ({**QFORM, **widths(j=NAN)}, "its voxels are 1 x nan x 3 wide (pixdim)"),
        (widths(i=-1), "its voxels are -1 x 2 x 3 wide (pixdim)"),
        (widths(i=INF), "its voxels are inf x 2 x 3 wide (pixdim)"),
        ({**QFORM, **widths(qfac=-3)}, "its pixdim[0] is -3, and not 1 or -1"),
        ({**QFORM, **widths(qfac=NAN)}, "its pixdim[0] is nan, and not 1 or -1"),
        ({**QFORM, "quatern_b": 1, "quatern_c": 1}, "its qform is no rotation"),
        ({**QFORM, "quatern_b": NAN}, "its qform has what is no number"),
        ({**QFORM, "qoffset_x": INF}, "its qform has what is no number"),
        # ITK begins to read four bytes too early.
        ({"vox_offset": 0}, "its voxels begin at byte 0 (vox_offset), which is within its header"),
        ({"vox_offset": INF}, "its voxels begin at byte inf (vox_offset)"),
        ({"vox_offset": 40e9}, "its voxels begin at byte 4e+10 (vox_offset)"),
        ({"dim": [3, 2, 3, -4, 1, 1, 1, 1]}, "its dim is [2, 3, -4]"),
        ({"dim": [3, 2, 0, 4, 1, 1, 1, 1]}, "its dim is [2, 0, 4]"),
        # By which what is missing of a file was counted.
        ({"bitpix": 8}, "its bitpix is 8, and its voxels have 16 bits (datatype)"),
        ({"magic": b""}, "does not say that it is NIfTI (magic)"),
        ({"magic": b"n+2"}, "does not say that it is NIfTI (magic)"),
    ],
    ids=str,
)
def test_a_nifti_file_that_itk_reads_as_something_else_is_refused(tmp_path: Path, header, reason):
    write_nifti(tmp_path / "a.nii", **header)
    ((_, said),) = PlainVolumeSource(tmp_path).refused
    assert reason in said


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
def test_of_nifti_2_it_is_said_what_it_is_and_how_to_convert_it(tmp_path: Path, name, order):
    """ITK says that it is no NIfTI file."""
    header = nibabel.Nifti2Header(endianness=order)
    nibabel.save(nibabel.Nifti2Image(VOXELS, np.eye(4), header), tmp_path / name)
    source = PlainVolumeSource(tmp_path)
    assert source.images() == ()
    ((_, said),) = source.refused
    assert "it is NIfTI-2, which ITK does not read; convert it: nib-convert" in said
    options = said[said.index("nib-convert") :].split()[1:-2]
    nib_convert([*options, str(tmp_path / name), str(tmp_path / "new.nii")])
    (tmp_path / name).unlink()
    _, image = the_only(tmp_path)
    assert image.pixels.T.tolist() == VOXELS.tolist()


@pytest.mark.parametrize("text", [b"no NIfTI", b"no NIfTI, nor gzip" * 30])
def test_what_is_no_nifti_file_is_not_called_nifti_2(tmp_path: Path, text):
    for name in ("a.nii", "b.nii.gz"):
        (tmp_path / name).write_bytes(text)
    refused = PlainVolumeSource(tmp_path).refused
    assert len(refused) == 2
    assert not any("NIfTI-2" in said or "nib-convert" in said for _, said in refused)


@pytest.mark.parametrize("code", [0, 1])
def test_a_nifti_file_without_a_code_does_not_say_how_it_lies(tmp_path, code):
    image = nibabel.Nifti1Image(VOXELS.T, np.eye(4))
    image.set_qform(np.eye(4), code=code)
    image.set_sform(np.eye(4), code=0)
    nibabel.save(image, tmp_path / "a.nii.gz")
    source = PlainVolumeSource(tmp_path)
    assert source.metadata("a") == ({} if code else {"Position": NO_PLACE})


@pytest.mark.filterwarnings("error")
def test_a_file_that_was_looked_at_is_closed(tmp_path):
    write_nifti(tmp_path / "a.nii")
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes()))
    assert nifti_begin(tmp_path / "a.nii.gz") == nifti_begin(tmp_path / "a.nii")
