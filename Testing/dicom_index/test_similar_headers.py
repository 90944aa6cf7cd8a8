"""A header that is like the one before is read as if it were read alone, whatever differs."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from IGTLMetaBrowserLib.dicom_index.headers import similar_headers
from IGTLMetaBrowserLib.dicom_index.headers.header_reader import DICOM, UNREADABLE, read_content
from IGTLMetaBrowserLib.dicom_index.headers.similar_headers import SimilarHeaders

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about broken files

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


def slice_of(number: int, syntax: str = ExplicitVRLittleEndian, **attributes: object) -> bytes:
    """A file of a CT slice with this InstanceNumber."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"1.2.3.{1000 + number}"
    dataset.ensure_file_meta()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PatientID, dataset.PatientName, dataset.Modality = "42", "Doe^Jane", "CT"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    dataset.ContentTime = f"0830{number:02}"
    dataset.InstanceNumber = number
    dataset.ImagePositionPatient = [0, -10.5, 100 + number]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceLocation = [0.5, 0.25], 200 + number
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.WindowCenter = 40 + number % 10
    dataset.set_pixel_data(np.full((5, 7), number, np.uint16), "MONOCHROME2", 12)
    dataset.SOPInstanceUID = f"1.2.3.{1000 + number}"
    reference = Dataset()
    reference.ReferencedSOPInstanceUID = "1.2.3.9"
    dataset.ReferencedImageSequence = [reference]
    dataset["ReferencedImageSequence"].is_undefined_length = number % 2 > 0
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def packed(content):
    """Return what was read as a file that is read alone gives it."""
    return content._replace(image=content.packed_image(), header=None)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_slices_of_a_series_are_read_once(syntax, monkeypatch):
    files = [slice_of(number, syntax) for number in range(11, 41, 2)]
    expected = [read_content(file) for file in files]
    read = []

    def noted(content):
        read.append(content)
        return read_content(content)

    monkeypatch.setattr(similar_headers, "read_content", noted)
    reader = SimilarHeaders()
    assert [packed(reader.read(memoryview(file))) for file in files] == expected
    assert read == files[:1]


@pytest.mark.parametrize(
    "attributes",
    [
        {"PatientID": "43"},
        {"PatientName": "Doe^Jane"[::-1]},
        {"SeriesInstanceUID": "1.2.3.5"},
        {"RescaleIntercept": -1000},
        {"RescaleSlope": 2},
        {"PixelSpacing": [0.5, 0.5]},
        {"ImageOrientationPatient": [0, 1, 0, 1, 0, 0]},
        {"ImagePositionPatient": [0, -10.5, 7]},
        {"ImagePositionPatient": ["0", "-1E9", "1000"]},
        {"ContentTime": ""},
        {"BitsStored": 11},
        {"SpecificCharacterSet": "ISO_IR 192"},
        {"ReferencedStudySequence": Sequence([Dataset()])},
    ],
    ids=lambda attributes: "{} {}".format(*next(iter(attributes.items()))),
)
def test_what_differs_is_seen(attributes):
    reader = SimilarHeaders()
    reader.read(slice_of(11))
    for file in (slice_of(13, **attributes), slice_of(15), slice_of(16)):
        assert packed(reader.read(file)) == read_content(file)


def test_an_item_that_is_cut_off_is_no_error_of_a_disk():
    file = bytearray(slice_of(11))
    file[file.index(b"\xfe\xff\x00\xe0") - 4] = 0xFE  # the length of the sequence
    assert SimilarHeaders().read(bytes(file)).kind == UNREADABLE


FILES = [slice_of(11, syntax) for syntax in SYNTAXES]


@given(st.sampled_from(FILES), st.data())
def test_any_byte_may_be_another(file, data):
    reader = SimilarHeaders()
    reader.read(file)
    changed = bytearray(file)
    for position in data.draw(st.lists(st.integers(128, len(file) - 1), min_size=1, max_size=3)):
        changed[position] = data.draw(st.integers(0, 255))
    size = data.draw(st.sampled_from([len(file), len(file) - 1, len(file) // 2]))
    content = bytes(changed[:size])
    assert packed(reader.read(content)) == read_content(content)


def test_a_value_that_is_there_twice_is_not_passed_over():
    """Both are the same in the first file, and not in the second."""
    first, other = (slice_of(number) for number in (11, 13))
    times = [file.index(b"\x08\0\x33\0TM") for file in (first, other)]
    twice = [file[: at + 14] + first[times[0] : times[0] + 14] + file[at + 14 :]
             for file, at in zip((first, other), times, strict=True)]  # fmt: skip
    headers = SimilarHeaders()
    assert headers.read(twice[0]).kind == DICOM
    assert headers.read(twice[1]).kind == UNREADABLE
