"""NRRD files of images, as Slicer's own reader and pynrrd understand them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nrrd
import numpy as np
import pytest

from IGTLMetaBrowserLib.cli.nrrd_file import file_paths, write_nrrd
from IGTLMetaBrowserLib.cli.parser import CommandError
from IGTLMetaBrowserLib.codec import Coordinates, ImageMessage, ScalarType

# Anisotropic, turned about two axes, off center; mm, RAS.
OBLIQUE = np.array(
    [
        [0.9 * 0.8, -0.6 * 1.5, 0.0, -12.5],
        [0.9 * 0.6 * 0.8, 1.5 * 0.8 * 0.8, -0.6 * 3.0, 40.0],
        [0.9 * 0.6 * 0.6, 1.5 * 0.8 * 0.6, 0.8 * 3.0, -7.25],
        [0, 0, 0, 1],
    ]
)
MIRRORED = OBLIQUE @ np.diag([1, 1, -1, 1])
SAGITTAL = np.array([[0, 0, 2.0, 5], [-1, 0, 0, 6], [0, -1, 0, 7], [0, 0, 0, 1]])
VOXELS = np.arange(4 * 3 * 2).reshape(4, 3, 2)  # k, j, i


@dataclass
class InSlicer:
    """What Slicer reads from a file: ``ijk_to_ras`` (4, 4), ``voxels`` (k, j, i[, component])."""

    ijk_to_ras: np.ndarray
    voxels: np.ndarray
    attributes: dict[str, str]


def read_in_slicer(path: Path, class_name: str = "vtkMRMLScalarVolumeNode") -> InSlicer:
    import slicer
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    scene = slicer.vtkMRMLScene()
    volume = scene.AddNewNodeByClass(class_name)
    storage = scene.AddNewNodeByClass("vtkMRMLNRRDStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(volume) == 1, f"Slicer cannot read {path}"
    matrix = vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    data = volume.GetImageData()
    i, j, k = data.GetDimensions()
    voxels = vtk_to_numpy(data.GetPointData().GetScalars()).copy()
    return InSlicer(
        np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)]),
        voxels.reshape((k, j, i) if voxels.ndim == 1 else (k, j, i, -1)),
        {name: volume.GetAttribute(name) for name in volume.GetAttributeNames()},
    )


def written(path: Path, image: ImageMessage, **texts: str) -> Path:
    write_nrrd(path, image, texts)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "IMAGE_0.nrrd"


@pytest.mark.parametrize("coordinates", Coordinates)
@pytest.mark.parametrize(
    "ijk_to_ras", [OBLIQUE, MIRRORED, SAGITTAL], ids=["oblique", "mirrored", "sagittal"]
)
def test_slicer_puts_each_voxel_where_the_message_has_it(
    path: Path, ijk_to_ras: np.ndarray, coordinates: Coordinates
) -> None:
    image = ImageMessage.from_ijk_to_ras(
        VOXELS.astype(np.int16), ijk_to_ras, coordinates=coordinates
    )
    read = read_in_slicer(written(path, image))
    np.testing.assert_allclose(read.ijk_to_ras, ijk_to_ras, atol=1e-9)
    np.testing.assert_array_equal(read.voxels, VOXELS)


def test_the_header_is_lps(path: Path) -> None:
    """A voxel at the patient's right, front and top has negative x and y and positive z in LPS."""
    ijk_to_ras = [[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]]
    header = nrrd.read_header(
        str(written(path, ImageMessage.from_ijk_to_ras(np.zeros((1, 1, 1), np.uint8), ijk_to_ras)))
    )
    assert header["space"] == "left-posterior-superior"
    assert header["space origin"].tolist() == [-10, -20, 30]
    assert header["space directions"].tolist() == [[-2, 0, 0], [0, -3, 0], [0, 0, 4]]
    assert header["kinds"] == ["domain", "domain", "domain"]


@pytest.mark.parametrize("scalar_type", ScalarType)
def test_each_scalar_type_keeps_its_values(path: Path, scalar_type: ScalarType) -> None:
    dtype = scalar_type.dtype
    limits = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    pixels = np.array([[[limits.min, 0, 1, limits.max]]], dtype)
    written(path, ImageMessage(pixels))
    by_pynrrd, _ = nrrd.read(str(path), index_order="C")
    for voxels in (by_pynrrd, read_in_slicer(path).voxels):
        assert voxels.dtype == dtype
        np.testing.assert_array_equal(voxels, pixels)


@pytest.mark.parametrize(
    ("dtype", "components", "kind"),
    [
        (np.uint8, 3, "RGB-color"),
        (np.uint8, 4, "RGBA-color"),
        (np.float32, 3, "vector"),
        (np.uint8, 2, "vector"),
    ],
)
def test_components_come_first(path: Path, dtype: type, components: int, kind: str) -> None:
    pixels = np.arange(4 * 3 * 2 * components).astype(dtype).reshape(4, 3, 2, components)
    written(path, ImageMessage.from_ijk_to_ras(pixels, OBLIQUE))
    by_pynrrd, header = nrrd.read(str(path))
    assert header["kinds"] == [kind, "domain", "domain", "domain"]
    assert header["sizes"].tolist() == [components, 2, 3, 4]
    assert np.isnan(header["space directions"][0]).all()
    np.testing.assert_array_equal(by_pynrrd.T, pixels)
    read = read_in_slicer(path, "vtkMRMLVectorVolumeNode")
    np.testing.assert_array_equal(read.voxels, pixels)
    np.testing.assert_allclose(read.ijk_to_ras, OBLIQUE, atol=1e-9)


def test_a_part_of_an_image_lies_at_its_place(path: Path) -> None:
    whole = ImageMessage.from_ijk_to_ras(VOXELS.astype(np.int16), OBLIQUE)
    part = ImageMessage(
        whole.pixels[2:, 1:, 1:], whole.matrix, size=whole.whole_size, offset=(1, 1, 2)
    )
    read = read_in_slicer(written(path, part))
    np.testing.assert_allclose(read.ijk_to_ras @ (0, 0, 0, 1), OBLIQUE @ (1, 1, 2, 1), atol=1e-9)
    assert read.voxels[0, 0, 0] == VOXELS[2, 1, 1]


def test_a_single_slice_without_its_third_axis_gets_one(path: Path) -> None:
    flat = SAGITTAL.copy()
    flat[:3, 2] = 0
    image = ImageMessage.from_ijk_to_ras(np.zeros((1, 3, 2), np.uint8), flat)
    read = read_in_slicer(written(path, image))
    np.testing.assert_allclose(read.ijk_to_ras[:3, 2], (1, 0, 0))
    np.testing.assert_allclose(read.ijk_to_ras[:3, [0, 1, 3]], SAGITTAL[:3, [0, 1, 3]])


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (ImageMessage(np.zeros((0, 3, 2), np.uint8)), "the server has no data for the image"),
        (ImageMessage(np.zeros((2, 2, 2), np.uint8), np.zeros((3, 4))), "span no space"),
        (ImageMessage(np.zeros((2, 2, 2), np.uint8), np.ones((3, 4))), "span no space"),
        (ImageMessage(np.zeros((2, 2, 2), np.uint8), np.full((3, 4), np.nan)), "not finite"),
    ],
    ids=["empty", "zero", "flat", "nan"],
)
def test_what_has_no_place_is_not_written(path: Path, message: ImageMessage, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        written(path, message)
    assert list(path.parent.iterdir()) == []


def test_texts_are_key_value_pairs(path: Path) -> None:
    image = ImageMessage(np.zeros((1, 1, 1), np.uint8))
    written(path, image, modality="CT", name="Schädel\nencoding: gzip", empty="")
    header = nrrd.read_header(str(path))
    assert header["modality"] == "CT"
    assert header["name"] == r"Sch\xe4del\nencoding: gzip"
    assert header["encoding"] == "raw"
    assert "empty" not in header
    assert read_in_slicer(path).attributes["modality"] == "CT"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("type: x", r"type\x3a x"),
        ("sizes:=1 1 1", r"sizes\x3a=1 1 1"),
        (" type ", "metadata type"),
        ("#1", r"\x231"),
    ],
)
def test_no_key_of_a_server_makes_a_file_that_cannot_be_read(
    path: Path, key: str, name: str
) -> None:
    written(path, ImageMessage(np.full((1, 1, 1), 7, np.uint8)), **{key: "value"})
    voxels, header = nrrd.read(str(path))
    assert (voxels.tolist(), header[name]) == ([[[7]]], "value")
    assert read_in_slicer(path).attributes[name] == "value"


def test_an_older_file_is_replaced(path: Path) -> None:
    path.write_bytes(b"older")
    written(path, ImageMessage(np.full((1, 1, 1), 7, np.uint8)))
    assert nrrd.read(str(path))[0].tolist() == [[[7]]]
    assert list(path.parent.iterdir()) == [path]


def test_an_older_file_survives_a_failure(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_the_disk(file: object, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    path.write_bytes(b"older")
    monkeypatch.setattr(nrrd, "write", fill_the_disk)
    with pytest.raises(CommandError, match=r"cannot be written: the disk of .* is full; make room"):
        written(path, ImageMessage(np.zeros((1, 1, 1), np.uint8)))
    assert path.read_bytes() == b"older"
    assert list(path.parent.iterdir()) == [path]


def test_plain_ids_are_file_names_as_they_are() -> None:
    ids = ["IMAGE_0", "1.2.840-99", "CT head (2)"]
    names = [path.name for path in file_paths(Path("d"), ids).values()]
    assert names == ["IMAGE_0.nrrd", "1.2.840-99.nrrd", "CT head (2).nrrd"]


def test_ids_that_are_no_file_names_are_written_as_in_a_url() -> None:
    ids = [
        "a/b", r"a\b", "..", "", "CON", "nul.x", "aux .x", "conin$", "50%", "ä", "b\udcff", "a:b",
        "\x1b",
    ]  # fmt: skip
    names = [path.name for path in file_paths(Path("d"), ids).values()]
    assert names == [
        "a%2Fb.nrrd", "a%5Cb.nrrd", "%2E..nrrd", "%.nrrd", "%43ON.nrrd", "%6Eul.x.nrrd",
        "%61ux .x.nrrd", "%63onin$.nrrd",
        "50%25.nrrd", "%C3%A4.nrrd", "b%FF.nrrd", "a%3Ab.nrrd", "%1B.nrrd",
    ]  # fmt: skip


def test_ids_that_differ_in_case_alone_have_files_that_differ_in_more() -> None:
    paths = file_paths(Path("d"), ["a", "A", "%41", "%61"])
    assert [path.name for path in paths.values()] == [
        "a.nrrd", "%41.nrrd", "%2541.nrrd", "%2561.nrrd"
    ]  # fmt: skip
