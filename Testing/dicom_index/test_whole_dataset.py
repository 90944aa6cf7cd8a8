"""Files that are cut off are not read as if the rest were all."""

from __future__ import annotations

import io
import struct

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from IGTLMetaBrowserLib.dicom_index.headers.whole_dataset import read_whole


def file_of(is_undefined: bool) -> bytes:
    contour = Dataset()
    contour.ContourData = [1.5, 2.5, -30.25]
    structure = Dataset()
    structure.ContourSequence = [contour, contour]
    dataset = Dataset()
    dataset.preamble = bytes(128)
    dataset.ensure_file_meta()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.ImagePositionPatient = [1.5, 2.5, -30.25]
    dataset.ROIContourSequence = [structure]
    dataset["ROIContourSequence"].is_undefined_length = is_undefined
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("is_undefined", [False, True])
def test_a_file_that_ends_within_a_value_is_refused(is_undefined: bool):
    data = file_of(is_undefined)
    assert read_whole(io.BytesIO(data)) == dcmread(io.BytesIO(data))
    start = data.index(b"1.5\\2.5")
    # Between two elements, or within what says how long the next is, nothing tells of a cut.
    between = start + len(b"1.5\\2.5\\-30.25")
    ends = [*range(start, between), *range(between + 12, len(data))]
    for end in ends:
        with pytest.raises((ValueError, EOFError, OSError, struct.error)):
            read_whole(io.BytesIO(data[:end]))


def test_a_file_older_than_preambles_is_read_and_one_of_something_else_is_refused():
    data = file_of(False)
    assert read_whole(io.BytesIO(data[132:])) == read_whole(io.BytesIO(data))
    for other in (b"", b"[]", b"x" * 200):
        with pytest.raises(ValueError, match="it is no DICOM file"):
            read_whole(io.BytesIO(other))
