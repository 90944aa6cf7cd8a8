"""Pixels as archives compress them: what comes out is what went in."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from subprocess import PIPE, Popen

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from helpers import radiotherapy as study
from IGTLMetaBrowserLib.net.source import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.pixels import decoding as dicom_decoding
from IGTLMetaBrowserLib.sources.dicom.pixels.decoding import Decoders, why_not_decodable

PIXELS = np.random.default_rng(5).integers(0, 4096, (6, 64, 70), np.uint16)
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"


@pytest.fixture
def write_series(tmp_path, make_slice):
    """Writes six slices, changed by a function of the dataset and the path."""

    def write(save):
        for k, pixels in enumerate(PIXELS):
            dataset = make_slice((0, 0, k), RescaleIntercept=-1024)
            dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
            save(dataset, tmp_path / f"{k}.dcm")
        return tmp_path

    return write


def compressed(syntax):
    def save(dataset, path):
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path, enforce_file_format=True)

    return save


def encoded(syntax):
    def save(dataset, path):
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = dataset.pixel_array.astype(">u2").tobytes()
        dataset.file_meta.TransferSyntaxUID = syntax
        is_implicit, is_little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
        dataset.save_as(
            path, implicit_vr=is_implicit, little_endian=is_little, enforce_file_format=True
        )

    return save


def in_turns(work):
    """Return what ``work`` returns in the end, and after how many seconds it wanted to go on."""
    waits = []
    while True:
        try:
            return work(), waits
        except NotReadyError as error:
            waits.append(error.retry_after)


def with_gdcm(kind):
    """GDCM writes what pydicom has no encoder for."""

    def save(dataset, path):
        dataset.save_as(path, enforce_file_format=True)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(kind))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(path))
        assert writer.Write()

    return save


SAVERS = {
    "implicit": encoded(ImplicitVRLittleEndian),
    "big endian": encoded(ExplicitVRBigEndian),
    "deflated": encoded(DeflatedExplicitVRLittleEndian),
    "RLE": compressed(RLELossless),
    "JPEG 2000": compressed(JPEG2000Lossless),
    "JPEG-LS": compressed(JPEGLSLossless),
    "JPEG lossless": with_gdcm(gdcm.TransferSyntax.JPEGLosslessProcess14),
    "JPEG lossless SV1": with_gdcm(gdcm.TransferSyntax.JPEGLosslessProcess14_1),
}


@pytest.mark.parametrize("name", SAVERS)
def test_a_series_comes_out_as_it_went_in(write_series, name):
    source = DicomFolderSource(write_series(SAVERS[name]))
    (item,) = source.images()
    image = source.image(item.id)
    assert image.pixels.dtype == np.int16
    np.testing.assert_array_equal(image.pixels, PIXELS.astype(np.int16) - 1024)


def test_a_file_that_is_removed_before_a_worker_process_opens_it_is_named(tmp_path):
    """It is not the process that has ended."""
    with closing(Decoders(1)) as decoders:
        (decoded,) = decoders.decode([(tmp_path / "a.dcm", [0])])
        with pytest.raises(SourceError, match=r"'a.dcm' can no longer be read: No such file"):
            decoders.frames_of(decoded)


def test_worker_processes_decode_the_same(write_series):
    source = DicomFolderSource(write_series(SAVERS["JPEG 2000"]), jobs=2)
    try:
        image = source.image(source.images()[0].id)
    finally:
        source.close()
    np.testing.assert_array_equal(image.pixels, PIXELS.astype(np.int16) - 1024)


def test_what_a_worker_process_cannot_decode_is_told(write_series, tmp_path):
    folder = write_series(SAVERS["JPEG 2000"])
    path = folder / "3.dcm"
    dataset = pydicom.dcmread(path)
    dataset.PixelData = pydicom.encaps.encapsulate([b"no picture"])
    dataset.save_as(path)
    source = DicomFolderSource(folder, jobs=2)
    try:
        with pytest.raises(SourceError, match=r"The pixels of '3\.dcm' cannot be decoded"):
            source.image(source.images()[0].id)
    finally:
        source.close()


@pytest.mark.parametrize(("version", "is_asked"), [("3.0.24.1", False), ("3.0.25", True)])
def test_a_gdcm_that_decodes_what_is_damaged_is_not_asked(version, is_asked, tmp_path):
    """It returned whatever was in memory, as the pixels of a patient."""
    about = tmp_path / f"python_gdcm-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: python-gdcm\nVersion: {version}\n")
    code = """
        import sys
        from concurrent.futures import ThreadPoolExecutor
        sys.path[:0] = sys.argv[1:]
        from IGTLMetaBrowserLib.sources.dicom.pixels.decoding import why_not_decodable
        from pydicom.pixels import get_decoder
        for end in (50, 70, 80, 90):
            syntax = f"1.2.840.10008.1.2.4.{end}"
            with ThreadPoolExecutor(8) as threads:  # as a scan, and who opens a series
                list(threads.map(why_not_decodable, [syntax] * 64))
            print("gdcm" in get_decoder(syntax).available_plugins)
    """
    library = Path(dicom_decoding.__file__).parents[3]
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [str(is_asked)] * 4


@pytest.mark.parametrize("name", ["JPEG 2000", "implicit"])
def test_an_image_can_be_read_in_turns(write_series, name):
    """So that a server's other clients need not wait until it is whole."""
    source = DicomFolderSource(write_series(SAVERS[name]), seconds_a_turn=0)
    with closing(source):
        (item,) = source.images()
        image, waits = in_turns(lambda: source.image(item.id))
    # What is decoded by other processes is waited for, what is read here goes on at once.
    assert any(waits) == (name == "JPEG 2000")
    assert 0.0 in waits
    np.testing.assert_array_equal(image.pixels, PIXELS.astype(np.int16) - 1024)


@pytest.mark.parametrize(
    "syntax",
    [
        *(f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202)),
        RLELossless,
    ],
)
def test_what_archives_export_can_be_decoded_with_the_server_extra(syntax):
    assert why_not_decodable(syntax) == ""


def test_a_transfer_syntax_that_only_its_maker_knows_is_told_when_the_folder_is_opened(tmp_path):
    """GE's has pixels in big endian: neither the images nor their label maps are listed."""
    slices = [study.ct_slice(number) for number in (1, 2, 3)]
    for number, dataset in enumerate([*slices, study.segmentation(slices)]):
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        path = tmp_path / str(number)
        dataset.save_as(path, enforce_file_format=True)
        known, private = b"1.2.840.10008.1.2\0", b"1.2.840.113619.5.2"
        path.write_bytes(path.read_bytes().replace(known, private, 1))
    source = DicomFolderSource(tmp_path)
    assert not source.images()
    assert not source.label_maps()
    reason = "its pixels cannot be decoded: nothing here reads 1.2.840.113619.5.2"
    assert [why for _, why in source.refused] == [reason, reason]


def test_what_no_installed_decoder_reads_is_told_when_the_folder_is_opened():
    """JPEG Extended has 8 or 12 bits, of which GDCM and Pillow read 8."""
    jpeg_extended = "1.2.840.10008.1.2.4.51"
    assert why_not_decodable(jpeg_extended, "8", "8") == ""
    is_read = "pylibjpeg" in pydicom.pixels.get_decoder(jpeg_extended).available_plugins
    assert ("12 bits" in why_not_decodable(jpeg_extended, "16", "12")) != is_read


def test_a_single_large_picture_is_not_decoded_by_the_server_itself(tmp_path, make_slice):
    """One mammogram takes a second, in which nobody else would be served."""
    dataset = make_slice((0, 0, 0))
    dataset.set_pixel_data(PIXELS[0], "MONOCHROME2", 12, generate_instance_uid=False)
    SAVERS["JPEG 2000"](dataset, tmp_path / "one.dcm")
    with closing(DicomFolderSource(tmp_path, seconds_a_turn=60)) as source:
        (item,) = source.images()
        _, waits = in_turns(lambda: source.image(item.id))
    assert all(waits)


def test_processes_end_with_the_one_that_started_them(write_series, tmp_path):
    """Also if it is killed: what decodes must not stay behind."""
    folder = write_series(SAVERS["JPEG 2000"])
    program = tmp_path / "serve.py"
    program.write_text(
        f"""
import multiprocessing, sys
sys.path.insert(0, {str(Path(dicom_decoding.__file__).parents[3])!r})
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
if __name__ == "__main__":
    source = DicomFolderSource({str(folder)!r}, jobs=2)
    source.image(source.images()[0].id)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    input()
"""
    )
    command = [sys.executable, str(program)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert len(process.stdout.readline().split()) >= 2
        process.kill()
        # Its workers have its output open: the end comes when the last of them is gone.
        assert process.stdout.read() == ""
