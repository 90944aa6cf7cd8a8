"""Reading the fields of one file fast: the same as pydicom finds, whatever the file is like."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from helpers import radiotherapy as study
from helpers.dictionary_fields import dictionary_fields
from IGTLMetaBrowserLib.dicom_index.fields import PATHS
from IGTLMetaBrowserLib.dicom_index.headers import limited_file
from IGTLMetaBrowserLib.dicom_index.headers.header_reader import (
    DICOM,
    DICOMDIR,
    OTHER,
    REFUSED,
    UNREADABLE,
    FileContent,
    read_content,
    read_file,
)
from IGTLMetaBrowserLib.dicom_index.headers.limited_file import LimitedFile
from IGTLMetaBrowserLib.dicom_index.headers.sequence_items import SequenceItem

DATA = Path(pydicom.data.__file__).parent
FILES = sorted(path for path in DATA.rglob("*") if path.is_file() and path.suffix != ".py")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about broken files


def fields_in(content: FileContent) -> dict[str, str]:
    assert content.kind == DICOM, content
    return dict(zip(PATHS, content.values, strict=True))


def write(path: Path, dataset: Dataset, **options: Any) -> Path:
    dataset.save_as(path, enforce_file_format=True, **options)
    return path


def ct() -> Dataset:
    return study.ct_slice(1)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_pydicoms_own_files_give_what_reading_them_whole_gives(path: Path):
    content = read_file(str(path))
    if content.kind == DICOM:
        assert fields_in(content) == dictionary_fields(pydicom.dcmread(path, force=True))
    elif path.name == "rtplan_truncated.dcm":
        assert content == FileContent(UNREADABLE, "is cut off within (300A,00B0)")
    elif "DICOMDIR" in path.name:
        assert content.kind == DICOMDIR
    else:
        assert content.kind == OTHER
        with pytest.raises(pydicom.errors.InvalidDicomError):
            pydicom.dcmread(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_in_memory_is_read_as_one_on_the_disk(path: Path):
    """Some of these do not say how they are encoded."""
    assert read_content(path.read_bytes()) == read_file(str(path))


@pytest.mark.parametrize("vr", [b"UI", b"SH", b"US", b"UN"])
def test_an_empty_transfer_syntax_says_nothing_whatever_its_vr(vr: bytes, tmp_path: Path):
    path = write(tmp_path / "0", ct())
    data = path.read_bytes()
    begin = data.index(b"\x02\x00\x10\x00UI")
    end = begin + 8 + data[begin + 6]
    length = struct.pack("<2xI", 0) if vr == b"UN" else struct.pack("<H", 0)
    data = data[: begin + 4] + vr + length + data[end:]
    path.write_bytes(data)
    assert fields_in(read_file(str(path))) == dictionary_fields(ct())
    assert fields_in(read_content(data)) == dictionary_fields(ct())


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian],
)
@pytest.mark.parametrize("make", [study.pet, study.structure_set, study.plan, study.dose])
def test_all_encodings_are_read(tmp_path: Path, syntax: str, make: Any):
    dataset = make()
    expected = dictionary_fields(dataset)
    dataset.file_meta.TransferSyntaxUID = syntax
    options = {
        "implicit_vr": syntax == ImplicitVRLittleEndian,
        "little_endian": syntax != ExplicitVRBigEndian,
    }
    assert fields_in(read_file(str(write(tmp_path / "0", dataset, **options)))) == expected


def test_a_deflated_file_is_read(tmp_path: Path):
    dataset = ct()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert fields_in(read_file(str(write(tmp_path / "0", dataset)))) == dictionary_fields(ct())


def test_a_deflated_file_does_not_explode(tmp_path: Path):
    """A little that inflates to 100 MB: of it, 4 MB are looked at."""
    path = write(tmp_path / "0", ct())
    meta = path.read_bytes().partition(b"\x08\x00\x05\x00CS")[0]
    meta = meta.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    meta = meta.replace(b"\x10\x00UI\x14\x00", b"\x10\x00UI\x16\x00")
    bomb = struct.pack("<HH2sHI", 0x0008, 0x0001, b"UN", 0, 100 << 20)
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    squeezed = compressor.compress(bomb) + b"".join(
        compressor.compress(bytes(1 << 20)) for _ in range(100)
    )
    path.write_bytes(meta + squeezed + compressor.flush())
    assert read_file(str(path)) == FileContent(UNREADABLE, "is cut off within (0008,0001)")


def test_a_long_header_is_read_to_the_field_behind_it(tmp_path: Path):
    dataset = ct()
    dataset.add_new(0x00091001, "OB", bytes(100_000))  # private, in front of all that is needed
    assert fields_in(read_file(str(write(tmp_path / "0", dataset)))) == dictionary_fields(ct())


def test_only_the_beginning_of_a_file_is_needed(tmp_path: Path):
    path = write(tmp_path / "0", ct())
    path.write_bytes(path.read_bytes()[:8000])
    assert fields_in(read_file(str(path))) == dictionary_fields(ct())


def test_private_tags_do_not_matter(tmp_path: Path):
    dataset = ct()
    for group in (0x0009, 0x0019):
        block = dataset.private_block(group, "SOMEBODY", create=True)
        block.add_new(0x01, "SQ", [Dataset()])
        block.add_new(0x02, "UN", b"\xff\xfe\x00\xe0")
    assert fields_in(read_file(str(write(tmp_path / "0", dataset)))) == dictionary_fields(ct())


@pytest.mark.parametrize(
    ("character_set", "data", "text"),
    [
        (b"ISO_IR 100", b"M\xfcller", "Müller"),
        (b"ISO_IR 192", b"M\xc3\xbcller", "Müller"),
        (b"\\ISO 2022 IR 87", b"\x1b$B;3ED\x1b(B", "山田"),
        (b"ISO_IR 999", b"plain", "plain"),
        (b"ISO_IR 999", b"M\xfcller", "Müller"),
        (b"", b"M\xfcller", "Müller"),
        (b"\xff\xff", b"M\xfcller", "Müller"),
    ],
)
def test_character_sets(tmp_path: Path, character_set: bytes, data: bytes, text: str):
    """Where the set is unknown, Latin-1 is read, as pydicom has it."""
    dataset = ct()
    dataset.StudyDescription = "TEXT"
    path = write(tmp_path / "0", dataset)
    content = path.read_bytes()
    for old, new in (
        (element(0x0005, b"CS", b"ISO_IR 100"), element(0x0005, b"CS", character_set)),
        (element(0x1030, b"LO", b"TEXT"), element(0x1030, b"LO", data)),
    ):
        assert old in content
        content = content.replace(old, new)
    path.write_bytes(content)
    assert fields_in(read_file(str(path)))["study_description"] == text


def element(number: int, vr: bytes, value: bytes) -> bytes:
    """An element of group 0008 as the file has it."""
    value += b" " * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0008, number, vr, len(value)) + value


def test_files_that_are_no_dicom(tmp_path: Path):
    contents = [b"", b"D", b"text " * 1000, bytes(1000), b"\x08\x00\x05\x00" + bytes(200)]
    for number, content in enumerate(contents):
        path = tmp_path / str(number)
        path.write_bytes(content)
        assert read_file(str(path)).kind in (OTHER, UNREADABLE)
    assert read_file(os.fsencode(tmp_path / "0")).kind == OTHER


def test_what_the_system_refuses_is_told_in_its_words(tmp_path: Path):
    missing = read_file(str(tmp_path / "none"))
    assert missing == FileContent(REFUSED, "cannot be read: No such file or directory")
    assert read_file(str(tmp_path)).kind == REFUSED


def test_a_length_beyond_the_end_is_not_believed(tmp_path: Path):
    """Four gigabytes, claimed by a file of some kilobytes."""
    dataset = ct()
    dataset.StudyDescription = "long"
    path = write(tmp_path / "0", dataset)
    data = path.read_bytes().replace(
        struct.pack("<HH2sH", 0x0008, 0x1030, b"LO", 4) + b"long",
        struct.pack("<HH2sHI", 0x0008, 0x1030, b"UT", 0, 0xFFFFFFF0),
    )
    path.write_bytes(data)
    assert read_file(str(path)) == FileContent(UNREADABLE, "is cut off within (0008,1030)")


def test_sequences_nested_without_end_end(tmp_path: Path):
    path = write(tmp_path / "0", ct())
    nest = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    data = path.read_bytes()
    place = data.index(struct.pack("<HH2s", 0x0009, 0x0010, b"LO"))
    path.write_bytes(data[:place] + (nest + item) * 20_000 + data[place:])
    content = read_file(str(path))
    assert content.kind == UNREADABLE
    assert content.reason == "it has more than 64 sequences within each other"


@pytest.mark.parametrize("is_needed", [True, False], ids=["needed", "private"])
@pytest.mark.parametrize("is_undefined", [True, False], ids=["undefined length", "length"])
def test_a_sequence_of_many_elements_is_read_once_and_not_beyond_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_needed: bool, is_undefined: bool
):
    """A million of them in 8 MB cost pydicom ten seconds, and a gigabyte."""
    monkeypatch.setattr(limited_file, "_MOST_ELEMENTS", 10_000)
    bytes_read = []
    readinto = LimitedFile.readinto
    monkeypatch.setattr(
        LimitedFile,
        "readinto",
        lambda self, buffer: (bytes_read.append(count := readinto(self, buffer)), count)[1],
    )
    path = write(tmp_path / "0", ct())
    data = path.read_bytes()
    place = data.index(struct.pack("<HH2s", 0x0009, 0x0010, b"LO"))
    tag = (0x0008, 0x1140) if is_needed else (0x0009, 0x0001)
    for count, is_read in ((9_000, True), (100_000, is_undefined is is_needed is False)):
        bytes_read.clear()
        elements = struct.pack("<HH2sH", 0x0008, 0x0050, b"SH", 0) * count
        sequence = _sequence(*tag, elements, is_undefined)
        path.write_bytes(data[:place] + sequence + data[place:])
        content = read_file(path)
        if is_read:
            assert content.kind == DICOM
        else:
            assert content == FileContent(UNREADABLE, "its header has more than 10000 elements")
        # Once to count, and what is needed once more, to read it.
        assert sum(bytes_read) < 2 * len(sequence) + 100_000


def _sequence(
    group: int, element: int, content: bytes, is_undefined: bool, count: int = 1
) -> bytes:
    """Return a sequence of so many items that are alike."""
    size = 0xFFFFFFFF if is_undefined else len(content)
    ends = [struct.pack("<HHI", 0xFFFE, tag, 0) * is_undefined for tag in (0xE00D, 0xE0DD)]
    items = (struct.pack("<HHI", 0xFFFE, 0xE000, size) + content + ends[0]) * count
    size = 0xFFFFFFFF if is_undefined else len(items)
    return struct.pack("<HH2sHI", group, element, b"SQ", 0, size) + items + ends[1]


@pytest.mark.parametrize("is_undefined", [True, False], ids=["undefined length", "length"])
@pytest.mark.parametrize(
    ("tag", "items_read"),
    [((0x0008, 0x1140), 3), ((0x3006, 0x0020), 2_010), ((0x5200, 0x9230), 2_010)],
    ids=["first", "all", "frames"],
)
def test_items_are_read_once_and_without_pydicom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag, items_read, is_undefined
):
    """Half a million of them took 20 s, and a gigabyte. Of some sequences, one item counts."""
    made = {SequenceItem: 0, pydicom.Dataset: 0}
    for kind in made:
        make = kind.__init__

        def count(self: object, *arguments: object, kind=kind, make=make, **more: object) -> None:
            made[kind] += 1
            make(self, *arguments, **more)

        monkeypatch.setattr(kind, "__init__", count)
    element = struct.pack("<HH2sH", 0x0008, 0x1155, b"UI", 4) + b"1.2\0"
    path = write(tmp_path / "0", ct())
    data = path.read_bytes()
    place = data.index(struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"))
    if tag[0] == 0x0008:
        place = data.index(struct.pack("<HH2s", 0x0009, 0x0010, b"LO"))
    made.update(dict.fromkeys(made, 0))
    path.write_bytes(data[:place] + _sequence(*tag, element, is_undefined, 2_000) + data[place:])
    assert read_file(str(path)).kind == DICOM
    assert made[SequenceItem] <= items_read
    assert made[pydicom.Dataset] < 10


@pytest.mark.parametrize("is_undefined", [True, False], ids=["undefined length", "length"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_sequences_in_sequences_of_each_encoding(tmp_path: Path, syntax, is_undefined):
    """Of frames that differ."""
    dataset = ct()
    dataset.NumberOfFrames = 2
    dataset.PerFrameFunctionalGroupsSequence = []
    for position in ("1\\2\\3", "1\\2\\4"):
        plane, group = Dataset(), Dataset()
        plane.ImagePositionPatient = position
        plane.IconImageSequence = [Dataset(), Dataset()]
        group.PlanePositionSequence = [plane]
        group.FrameContentSequence = [Dataset()]
        dataset.PerFrameFunctionalGroupsSequence.append(group)
    for sequence in _sequences_in(dataset):
        sequence.is_undefined_length = is_undefined
        for item in sequence.value:
            item.is_undefined_length_sequence_item = is_undefined
    dataset.file_meta.TransferSyntaxUID = syntax
    content = read_file(str(write(tmp_path / "0", dataset)))
    assert content.image is not None
    frames = json.loads(content.image[1])[1]
    assert frames["ImagePositionPatient"] == ["1\\2\\3", "1\\2\\4"]


def _sequences_in(dataset: Dataset) -> Iterator[pydicom.DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            yield element
            for item in element.value:
                yield from _sequences_in(item)


def test_what_pydicom_reads_is_limited_by_how_often_it_does(tmp_path: Path, monkeypatch):
    path = write(tmp_path / "0", study.structure_set())
    with limited_file.open_limited(path) as file:
        assert pydicom.dcmread(file).Modality == "RTSTRUCT"
    monkeypatch.setattr(limited_file, "_MOST_ELEMENTS", 10)
    with limited_file.open_limited(path) as file, pytest.raises(limited_file.TooLargeError):
        pydicom.dcmread(file)


def test_a_sequence_without_an_end(tmp_path: Path):
    path = write(tmp_path / "0", ct())
    data = path.read_bytes()
    place = data.index(struct.pack("<HH2s", 0x0009, 0x0010, b"LO"))
    head = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    path.write_bytes(data[:place] + head + data[place:])
    assert read_file(path) == FileContent(UNREADABLE, "has no end of (0008,1140)")


def test_an_icon_that_is_compressed_is_skipped(tmp_path: Path):
    dataset = ct()
    icon = Dataset()
    icon.PixelData = pydicom.encaps.encapsulate([b"\0\x08\0\x60CS\2\0OT"])
    icon["PixelData"].VR, icon["PixelData"].is_undefined_length = "OB", True
    dataset.add_new(0x00080117, "SQ", [icon])
    dataset[0x00080117].is_undefined_length = True
    assert fields_in(read_file(write(tmp_path / "0", dataset)))["modality"] == "CT"


def test_whatever_is_cut_or_changed_nothing_is_raised(tmp_path: Path):
    file = io.BytesIO()
    study.dose().save_as(file, enforce_file_format=True)
    whole = file.getvalue()
    path = tmp_path / "0"
    random = np.random.default_rng(6)
    variants = [whole[:length] for length in range(0, len(whole), 7)]
    for _ in range(500):
        data = bytearray(whole)
        for place in random.integers(132, len(whole), 3):
            data[place] = random.integers(256)
        variants.append(bytes(data))
    kinds = set()
    for data in variants:
        path.write_bytes(data)
        kinds.add(read_file(str(path)).kind)
    assert kinds <= {DICOM, DICOMDIR, OTHER, UNREADABLE}
    assert {DICOM, UNREADABLE} <= kinds


@pytest.mark.parametrize("make", [study.structure_set, study.plan])
def test_references_are_found_though_the_modality_is_wrong(tmp_path: Path, make):
    dataset = make()
    dataset.Modality = "OT"
    fields = fields_in(read_file(write(tmp_path / "0", dataset)))
    assert fields == dictionary_fields(dataset)
    assert fields["reference_ct"] or fields["reference_rs"]
