"""A compressed series is sent in parts while it is decoded: its first slices before its last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import JPEG2000Lossless

from helpers import radiotherapy as study
from helpers.peers import PATIENCE, ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.image_in_parts import get_image_in_parts
from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.privacy.deidentified_source import DeidentifiedSource
from IGTLMetaBrowserLib.sources.dicom import file_versions
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

COUNT = 24


def write_slice(folder: Path, number: int, pixels: np.ndarray) -> None:
    """Write slice ``number`` (from 1) as JPEG 2000."""
    dataset: Dataset = study.ct_slice(number)
    dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
    dataset.PixelRepresentation = 0
    dataset.BitsStored, dataset.HighBit = 16, 15
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelData = pixels.astype(np.uint16).tobytes()
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    dataset.save_as(folder / f"{number:03}.dcm", enforce_file_format=True)


@pytest.fixture
def volume() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 4096, (COUNT, 64, 64)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path, volume: np.ndarray) -> Path:
    for number, pixels in enumerate(volume, start=1):
        write_slice(tmp_path, number, pixels)
    return tmp_path


@pytest.fixture
def serve() -> Iterator[Callable[[Path], DicomFolderSource]]:
    """Opens a folder as ``igtlmeta serve`` does."""
    sources = []

    def open_folder(path: Path) -> DicomFolderSource:
        sources.append(DicomFolderSource(path, jobs=1, seconds_a_turn=0.01))
        return sources[-1]

    yield open_folder
    for source in sources:
        source.close()


def when_ready(ask: Callable) -> object:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            return ask()
        except NotReadyError as error:
            time.sleep(error.retry_after)
    raise AssertionError("it is never ready")


def test_the_slices_that_are_asked_for_come_before_the_others(serve, folder, volume):
    source = serve(folder)
    (item,) = when_ready(source.images)
    whole = DicomFolderSource(folder).image(item.id).pixels
    request = codec.GetImagePartMessage(device_name=item.id, start=(0, 0, 15), size=(0, 0, 2))
    found = when_ready(lambda: source.arriving_image(request))
    assert np.array_equal(found.message.pixels[15:17], whole[15:17])
    assert found.message.pixels.shape == whole.shape
    # None would say that all of it is there; the next image comes as a whole.
    assert np.array_equal(when_ready(lambda: source.image(item.id)).pixels, whole)


def test_the_image_in_parts_is_the_image(serve, folder):
    source = serve(folder)
    with ServerInThread(source) as server:
        with server.client() as client:
            (item,) = client.list_images()
            coarse = client.get_image_part(
                codec.GetImagePartMessage(device_name=item.id, stride=(4, 4, 4))
            )
            image = get_image_in_parts(client, item.id)
            last = client.get_image_part(
                codec.GetImagePartMessage(device_name=item.id, start=(0, 0, 20), tag=coarse.tag)
            )
        with server.client() as other:
            whole = other.get_image(item.id)
    assert np.array_equal(image.pixels, whole.pixels)
    assert np.array_equal(coarse.voxels(), whole.pixels[::4, ::4, ::4])
    assert np.array_equal(last.voxels(), whole.pixels[20:])
    assert image.metadata == whole.metadata


def test_another_file_under_the_same_name_has_another_tag(serve, folder, monkeypatch):
    monkeypatch.setattr(file_versions, "_SECONDS_BELIEVED", 0.0)
    with ServerInThread(serve(folder)) as server, server.client() as client:
        (item,) = client.list_images()
        part = client.get_image_part(codec.GetImagePartMessage(device_name=item.id, size=(0, 0, 1)))
        write_slice(folder, 9, np.zeros((64, 64)))
        with pytest.raises(net.RefusedError):
            client.get_image_part(codec.GetImagePartMessage(device_name=item.id, tag=part.tag))


def test_if_the_last_slice_needs_a_larger_type_the_client_begins_anew(serve, folder):
    """A CT is listed as int16: one of its slices has values above that."""
    write_slice(folder, 20, np.full((64, 64), 65_535))
    with ServerInThread(serve(folder)) as server, server.client() as client:
        (item,) = client.list_images()
        image = get_image_in_parts(client, item.id)
    assert image.pixels.max() == 65_535 - 1024
    assert np.array_equal(image.pixels, DicomFolderSource(folder).image(item.id).pixels)


def test_a_slice_that_cannot_be_decoded_is_told_and_the_next_client_is_served(serve, folder):
    path = folder / "012.dcm"
    data = bytearray(path.read_bytes())
    coding_style = data.index(b"\xff\x52")  # the marker COD, without which nothing is decoded
    data[coding_style : coding_style + 40] = bytes(40)
    path.write_bytes(data)
    with ServerInThread(serve(folder)) as server, server.client() as client:
        (item,) = client.list_images()
        for _ in range(2):
            with pytest.raises(net.RefusedError):
                get_image_in_parts(client, item.id)
        first = codec.GetImagePartMessage(device_name=item.id, size=(0, 0, 1))
        assert client.get_image_part(first).voxels().shape == (1, 64, 64)


def test_without_identity_it_comes_in_parts_as_well(serve, folder):
    original = serve(folder)
    source = when_ready(lambda: DeidentifiedSource(original, b"a secret"))
    (item,) = when_ready(source.images)
    request = codec.GetImagePartMessage(device_name=item.id, size=(0, 0, 1))
    found = when_ready(lambda: source.arriving_image(request))
    (known,) = when_ready(original.images)
    plain = codec.GetImagePartMessage(device_name=known.id, size=(0, 0, 1))
    assert found.tag != when_ready(lambda: original.arriving_image(plain)).tag
    assert found.message.device_name == item.id
    assert found.message.metadata["PatientID"] == item.patient_id != known.patient_id
