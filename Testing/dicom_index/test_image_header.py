"""What an index keeps of an image's header."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom import Dataset

from helpers import radiotherapy as study
from IGTLMetaBrowserLib.dicom_index.headers.header_reader import read_file
from IGTLMetaBrowserLib.dicom_index.headers.image_header import ImageHeader, unpack_header
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about broken files


def header_of(path: Path | str) -> ImageHeader:
    content = read_file(str(path))
    assert content.image is not None, content
    shared, rest = content.image
    return unpack_header(json.loads(shared), rest)


def saved(dataset: Dataset, folder: Path) -> Path:
    dataset.save_as(folder / "0", enforce_file_format=True)
    return folder / "0"


def item(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def test_attributes_are_texts_as_the_file_has_them(tmp_path: Path):
    header = header_of(saved(study.ct_slice(1), tmp_path))
    assert header.get("Rows") == "128"
    assert header.get("PixelSpacing") == r"0.661468\0.661468"
    assert header.get("RescaleIntercept") == "-1024"
    assert header.get("FrameTime") == ""
    assert header.problem == ""


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm"]
)
def test_the_pixels_lie_where_it_says(name: str):
    path = pydicom.data.get_testdata_file(name, download=False)
    place = header_of(path).pixels
    assert place is not None
    data = Path(path).read_bytes()[place.offset : place.offset + place.length]
    assert data == pydicom.dcmread(path).PixelData


def test_a_frames_own_groups_come_before_shared_ones_and_the_attribute(tmp_path: Path):
    """PS3.3 C.7.6.16."""
    dataset = study.ct_slice(1)
    pixels = np.zeros((2, 128, 128), np.int16)
    dataset.set_pixel_data(pixels, "MONOCHROME2", 16, generate_instance_uid=False)
    shared = item(PixelMeasuresSequence=[item(PixelSpacing=[2, 3], SliceThickness=4)])
    frames = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, k])],
            MREchoSequence=[item(EffectiveEchoTime=5.5)],
        )
        for k in range(2)
    ]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = frames
    header = header_of(saved(dataset, tmp_path))
    assert header.get("PixelSpacing", 1) == r"2.0\3.0"
    assert [header.get("ImagePositionPatient", k) for k in range(2)] == [
        r"0.0\0.0\0.0",
        r"0.0\0.0\1.0",
    ]
    assert header.get("EffectiveEchoTime", 1) == "5.5"
    assert [*header.frames] == ["ImagePositionPatient"]  # what all frames share is kept once


@pytest.mark.parametrize(
    ("creator", "group", "element", "vr", "value", "b_value"),
    [
        ("SIEMENS MR HEADER", 0x19, 0x0C, "IS", "1000", "1000"),
        ("GEMS_PARM_01", 0x43, 0x39, "IS", ["1000000750", "8", "0"], "750"),
        ("Philips Imaging DD 001", 0x2001, 0x03, "FL", 800.0, "800"),
        ("SOMEBODY ELSE", 0x19, 0x0C, "IS", "1000", ""),
    ],
)
def test_b_values_are_found_where_scanners_put_them(
    tmp_path: Path, creator: str, group: int, element: int, vr: str, value: object, b_value: str
):
    dataset = study.ct_slice(1)
    dataset.remove_private_tags()
    dataset.private_block(group, creator, create=True).add_new(element, vr, value)
    assert header_of(saved(dataset, tmp_path)).get("DiffusionBValue") == b_value


def test_pixels_that_are_cut_off_are_a_problem(tmp_path: Path):
    path = saved(study.ct_slice(1), tmp_path)
    path.write_bytes(path.read_bytes()[:-1000])
    assert header_of(path).problem.startswith("it is cut off: ")


def test_what_is_no_image_has_no_header(tmp_path: Path):
    content = read_file(str(saved(study.plan(), tmp_path)))
    assert content.image is None
    assert content.sop_class == "1.2.840.10008.5.1.4.1.1.481.5"


def test_an_index_gives_the_headers_of_its_images(tmp_path: Path):
    """Slices of one series share what they have in common."""
    study.write_study(tmp_path)
    with DicomIndex(tmp_path) as index:
        index.update()
        images = [*index.images()]
    assert [image.name for image in images] == ["seg", "ct/1", "ct/2", "ct/3"]
    _, first, second, _ = (image.header for image in images)
    assert first.shared is second.shared
    assert first.get("ImagePositionPatient") != second.get("ImagePositionPatient")
