"""Files of which no more is read than a header can have, as pydicom reads them."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from IGTLMetaBrowserLib.dicom_index.limited_file import open_limited

_END_OF_SEQUENCE = b"\xfe\xff\xdd\xe0"


def test_a_value_without_an_end_is_said_in_words(tmp_path: Path):
    """pydicom puts the name of the file, which has to be a text, into what it says of it."""
    path = tmp_path / "1.dcm"
    image = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    image.add_new(0x00091001, "OB", encapsulate([bytes(64)]))
    image[0x00091001].is_undefined_length = True
    image.save_as(path)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(_END_OF_SEQUENCE)])
    with open_limited(path) as file, pytest.warns(UserWarning, match=r"in file .*1\.dcm"):
        pydicom.dcmread(file)
