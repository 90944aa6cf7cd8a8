"""The files that come with pydicom: DICOM that nobody here made, some of it broken on purpose."""

from __future__ import annotations

from pathlib import Path

import pydicom.data
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

DATA = Path(pydicom.data.__file__).parent
FILES = sorted(
    path
    for folder in ("test_files", "charset_files", "palettes")
    for path in (DATA / folder).iterdir()
    if path.is_file()
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about broken files


def listed(folder: Path) -> list[tuple[str, tuple[int, int, int]]]:
    return [(item.name, item.size) for item in DicomFolderSource(folder).images()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_offered_or_refused_with_a_reason(tmp_path, path):
    (tmp_path / path.name).symlink_to(path)
    source = DicomFolderSource(tmp_path)
    assert source.images() or source.label_maps() or source.refused
    for _, reason in source.refused:
        assert reason
    for item in source.images():
        codec.pack(codec.ImageMetaMessage(items=[item]))
        try:
            image = source.image(item.id)
        except SourceError as error:
            why = str(error)
            assert path.name in why
            continue
        assert image.subvolume_size == item.size
        assert codec.ScalarType.of(image.pixels.dtype) == item.scalar_type


def test_all_of_them_in_one_folder_have_ids_of_their_own():
    items = DicomFolderSource(DATA).images()
    assert len(items) > 65
    assert len({item.id for item in items}) == len(items)
    assert max(len(item.id.encode()) for item in items) < 20


@pytest.mark.parametrize(
    ("name", "dtype", "shape"),
    [
        ("CT_small.dcm", "int16", (1, 128, 128)),
        ("MR_small_bigendian.dcm", "int16", (1, 64, 64)),
        ("MR_small_RLE.dcm", "int16", (1, 64, 64)),
        ("ExplVR_BigEnd.dcm", "uint8", (1, 60, 80, 3)),
        ("SC_rgb_rle_16bit.dcm", "uint8", (1, 100, 100, 3)),
        ("examples_palette.dcm", "uint8", (1, 350, 800, 3)),
        ("image_dfl.dcm", "uint8", (1, 512, 512)),
    ],
)
def test_known_images_are_read(tmp_path, name, dtype, shape):
    (tmp_path / name).symlink_to(DATA / "test_files" / name)
    source = DicomFolderSource(tmp_path)
    image = source.image(source.images()[0].id)
    assert (image.pixels.dtype, image.pixels.shape) == (dtype, shape)


def test_the_values_of_a_ct_are_hounsfield_units(tmp_path):
    (tmp_path / "ct").symlink_to(DATA / "test_files" / "CT_small.dcm")
    source = DicomFolderSource(tmp_path)
    file = pydicom.dcmread(DATA / "test_files" / "CT_small.dcm")
    image = source.image(source.images()[0].id)
    assert image.pixels[0, 5, 9] == int(file.pixel_array[5, 9]) - 1024


def test_a_film_is_one_image_with_its_frames_along_k(tmp_path):
    (tmp_path / "film").symlink_to(DATA / "test_files" / "examples_ybr_color.dcm")
    source = DicomFolderSource(tmp_path)
    (item,) = source.images()
    assert item.name == "US series 1"
    image = source.image(item.id)
    assert image.pixels.shape == (30, 240, 320, 3)
    assert (image.pixels[0] != image.pixels[1]).any()
    assert "follow each other along k in time" in image.metadata["Notice"]


def test_a_patients_series(tmp_path):
    """The folders of patient 98892001 and 77654033: a gated heart, scouts, a brain with a gap."""
    assert listed(DATA / "test_files" / "dicomdirtests" / "98892001") == [
        ("Scout slice 1 of 2", (16, 16, 1)),
        ("Scout slice 2 of 2", (16, 16, 1)),
        ("SmartScore - Gated 0.5 sec", (16, 16, 5)),
    ]
    source = DicomFolderSource(DATA / "test_files" / "dicomdirtests" / "77654033")
    assert [item.name for item in source.images()] == [
        "Cervical LAT (mm at detector)",
        "Cervical OBLI 1 (mm at detector)",
        "Cervical OBLI 2 (mm at detector)",
        "Routine Brain slice 1 of 2",
        "Routine Brain volume 2 of 2",
    ]
    assert "161 slices are missing between z = -99.48 and z = 103.02" in source.refused[0][1]


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("chrArab.dcm", "قباني, لنزار"),
        ("chrFren.dcm", "Buc, Jérôme"),
        ("chrGreek.dcm", "Διονυσιος"),
        ("chrH31.dcm", "Yamada, Tarou"),
        ("chrRuss.dcm", "Люкceмбypг"),  # noqa: RUF001
        ("chrX1.dcm", "Wang, XiaoDong"),
    ],
)
def test_patients_names_in_their_alphabets(tmp_path, name, patient):
    (tmp_path / name).symlink_to(DATA / "charset_files" / name)
    (item,) = DicomFolderSource(tmp_path).images()
    assert item.patient_name == patient
