"""What stored values mean: by tables of their file, and by the bits that are theirs."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

STORED = np.array([[0, 1, 2, 3, 200]], np.uint8)


def set_pixels(dataset, pixels, stored, high=None, kind="MONOCHROME2"):
    """Put integers into a slice: ``stored`` bits of each are the value, ``high`` is the highest."""
    allocated = 8 * pixels.dtype.itemsize
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored = allocated, stored
    dataset.HighBit = stored - 1 if high is None else high
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PhotometricInterpretation = kind
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)


def served(folder, dataset, syntax=ExplicitVRLittleEndian):
    """Return the voxels of the one image of a folder with this file; first row of its slice."""
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(
        folder / "1.dcm",
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=True,
    )
    source = DicomFolderSource(folder)
    (item,) = source.images()
    return source.image(item.id).pixels[0]


def modality_table(entries, first, bits):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = entries
    item.ModalityLUTType = "OD"
    for keyword in ("LUTDescriptor", "LUTData"):
        item[keyword].VR = "SS" if keyword == "LUTDescriptor" and first < 0 else "US"
    return [item]


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_a_table_makes_more_of_values_than_are_stored(tmp_path, make_slice, bits):
    """Six bits are stored, and mean numbers of up to 16: none of those is cut off."""
    meanings = np.linspace(3, 2**bits - 1, 64).astype(int).tolist()
    dataset = make_slice((0, 0, 0), RescaleSlope=None, RescaleIntercept=None)
    pixels = np.array([[0, 1, 40, 62, 63]], np.uint8)
    set_pixels(dataset, pixels, 6)
    dataset.ModalityLUTSequence = modality_table(meanings, 0, bits)
    assert served(tmp_path, dataset).tolist() == [[meanings[value] for value in pixels[0]]]


def test_a_table_of_all_signed_values(tmp_path, make_slice):
    """From -128 to 127: the difference of these two is no integer of eight bits with a sign."""
    dataset = make_slice((0, 0, 0), RescaleSlope=None, RescaleIntercept=None)
    set_pixels(dataset, np.array([[-128, -1, 0, 127]], np.int8), 8)
    dataset.ModalityLUTSequence = modality_table([*range(1000, 1256)], -128, 16)
    assert served(tmp_path, dataset).tolist() == [[1000, 1127, 1128, 1255]]


def test_values_beyond_a_table_are_as_its_ends(tmp_path, make_slice):
    dataset = make_slice((0, 0, 0), RescaleSlope=None, RescaleIntercept=None)
    set_pixels(dataset, STORED, 8)
    dataset.ModalityLUTSequence = modality_table([700, 800], 2, 16)
    assert served(tmp_path, dataset).tolist() == [[700, 700, 700, 800, 800]]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless])
def test_a_table_that_nobody_has_filled_in_is_none(tmp_path, make_slice, syntax):
    """As one imaging library writes it into all its files: the rescale counts, if there is one."""
    dataset = make_slice((0, 0, 0), RescaleSlope=2, RescaleIntercept=1)
    set_pixels(dataset, STORED, 8)
    item = Dataset()
    for keyword, vr in (("LUTDescriptor", "US"), ("ModalityLUTType", "LO"), ("LUTData", "US")):
        item.add_new(keyword, vr, None)
    dataset.ModalityLUTSequence = [item]
    if syntax == RLELossless:
        dataset.compress(syntax, generate_instance_uid=False)
    assert served(tmp_path, dataset, syntax).tolist() == [[1, 3, 5, 7, 401]]


@pytest.mark.parametrize("descriptor", [None, 3, [2, 0]])
def test_a_table_without_a_number_of_entries_is_said(tmp_path, make_slice, descriptor):
    dataset = make_slice((0, 0, 0), RescaleSlope=None, RescaleIntercept=None)
    set_pixels(dataset, STORED, 8)
    (item,) = dataset.ModalityLUTSequence = modality_table([700, 800], 0, 16)
    item.add_new("LUTDescriptor", "US", descriptor)
    with pytest.raises(SourceError, match="does not say how many entries it has"):
        served(tmp_path, dataset)


RED, GREEN, BLUE = [10, 20, 30], [40, 50, 60], [70, 80, 255]
COLORS = [[10, 40, 70], [20, 50, 80], [30, 60, 255], [30, 60, 255], [30, 60, 255]]


def set_palette(dataset, bits, encode):
    for name, entries in (("Red", RED), ("Green", GREEN), ("Blue", BLUE)):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [3, 0, bits])
        dataset[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(dataset, f"{name}PaletteColorLookupTableData", encode(entries))


ENCODINGS = {
    "bytes, of an odd number": (8, lambda entries: bytes([*entries, 0])),
    "words of which 8 bits are used": (16, lambda entries: np.array(entries, "<u2").tobytes()),
    "words": (16, lambda entries: (np.array(entries, "<u2") * 257).tobytes()),
    "words of 12 bits": (12, lambda entries: (np.array(entries, "<u2") * 16).tobytes()),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_colors_of_a_palette(tmp_path, make_slice, name):
    dataset = make_slice((0, 0, 0), RescaleSlope=None, RescaleIntercept=None)
    set_pixels(dataset, STORED, 8, kind="PALETTE COLOR")
    set_palette(dataset, *ENCODINGS[name])
    assert served(tmp_path, dataset).tolist() == [COLORS]


def test_a_palette_in_big_endian(tmp_path, make_slice):
    dataset = make_slice((0, 0, 0), RescaleSlope=None, RescaleIntercept=None)
    set_pixels(dataset, STORED.astype(">u2"), 16, kind="PALETTE COLOR")
    set_palette(dataset, 16, lambda entries: (np.array(entries, ">u2") * 257).tobytes())
    assert served(tmp_path, dataset, ExplicitVRBigEndian).tolist() == [COLORS]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_values_in_the_upper_bits(tmp_path, make_slice, syntax):
    """Twelve bits that end with the highest, and an overlay below them."""
    values = np.array([[-2048, -1, 0, 1, 2047]], np.int16)
    dataset = make_slice((0, 0, 0), RescaleIntercept=1)
    set_pixels(dataset, values << 4 | 0b1001, 12, high=15)
    if syntax == RLELossless:
        dataset.BitsStored, dataset.HighBit = 16, 15  # what pydicom's encoder can do
        dataset.compress(syntax, encoding_plugin="pydicom", generate_instance_uid=False)
        dataset.BitsStored, dataset.HighBit = 12, 15
    assert served(tmp_path, dataset, syntax).tolist() == (values + 1).tolist()


def test_whole_numbers_of_32_bits_stay_whole(tmp_path, make_slice):
    """Of 4,000,000,001, float32 would make 4,000,000,000."""
    dataset = make_slice((0, 0, 0), RescaleIntercept=-7)
    set_pixels(dataset, np.array([[0, 1, 4_000_000_001]], np.uint32), 32)
    voxels = served(tmp_path, dataset)
    assert voxels.dtype == np.float64
    assert voxels.tolist() == [[-7, -6, 3_999_999_994]]
