"""Files of which no more is read than a header can have, as pydicom reads them."""

from __future__ import annotations

import zlib
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from IGTLMetaBrowserLib.dicom_index.headers import limited_file
from IGTLMetaBrowserLib.dicom_index.headers.limited_file import TooLargeError, open_limited

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


@pytest.mark.parametrize(
    ("zeros", "says"),
    [
        (1_000_000, nullcontext()),
        (1_100_000, pytest.raises(TooLargeError, match="inflates to more than 1 MiB")),
    ],
)
def test_what_is_deflated_is_counted_also_behind_the_first_piece(
    monkeypatch: pytest.MonkeyPatch, zeros: int, says: AbstractContextManager[object]
):
    """pydicom reads all of it, and would inflate it."""
    monkeypatch.setattr(limited_file, "_INFLATED_AT_ONCE", 1 << 10)
    monkeypatch.setattr(limited_file, "LONGEST", 1 << 20)
    noise = np.random.default_rng(1).bytes(10_000)
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = compressor.compress(noise + bytes(zeros)) + compressor.flush()
    with open_limited(data) as file, says:
        assert file.read() == data
