"""pyigtl, a second implementation, against our codec: what one packs, the other unpacks."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from interop.pyigtl_messages import unpack_with_pyigtl

pyigtl = pytest.importorskip("pyigtl", reason="pip install pyigtl")

AFFINE = np.array([[0.0, -0.5, 0, 10], [0.75, 0, 0, -20], [0, 0, 2.5, 30.5], [0, 0, 0, 1]])
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"]


def pixels_of(dtype: str, shape: tuple[int, ...] = (4, 5, 6)) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) % 100).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_we_read_its_images(dtype: str):
    pixels = pixels_of(dtype)
    theirs = pyigtl.ImageMessage(pixels, AFFINE, "ras", 1715934600.75, "Phantom")
    ours = codec.unpack(theirs.pack())
    assert np.array_equal(ours.pixels, pixels)
    assert ours.pixels.dtype == pixels.dtype
    assert np.allclose(ours.ijk_to_ras(), AFFINE)
    assert ours.device_name == "Phantom"
    assert ours.timestamp.seconds == pytest.approx(1715934600.75, abs=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_reads_our_images(dtype: str):
    ours = codec.ImageMessage.from_ijk_to_ras(pixels_of(dtype), AFFINE, device_name="Phantom")
    theirs = unpack_with_pyigtl(codec.pack(ours))
    assert np.array_equal(theirs.image, ours.pixels)
    assert theirs.world_coordinate_system == "ras"
    assert np.allclose(theirs.ijk_to_world_matrix, AFFINE)
    assert theirs.device_name == "Phantom"


def test_it_reads_our_big_endian_images():
    ours = codec.ImageMessage.from_ijk_to_ras(pixels_of("i2"), AFFINE, big_endian=True)
    assert np.array_equal(unpack_with_pyigtl(codec.pack(ours)).image, ours.pixels)


def test_what_it_does_not_mark_is_lps_and_we_turn_it_to_ras():
    theirs = pyigtl.ImageMessage(pixels_of("u1"), AFFINE)
    ours = codec.unpack(theirs.pack())
    assert ours.coordinates == codec.Coordinates.LPS
    assert np.allclose(ours.ijk_to_ras(), LPS_TO_RAS @ AFFINE)
    # Where a peer says LPS and means RAS, the user can overrule it.
    assert np.allclose(ours.ijk_to_ras(codec.Coordinates.RAS), AFFINE)


def test_it_reads_the_lps_that_we_write():
    ours = codec.ImageMessage.from_ijk_to_ras(
        pixels_of("u1"), AFFINE, coordinates=codec.Coordinates.LPS
    )
    theirs = unpack_with_pyigtl(codec.pack(ours))
    assert theirs.world_coordinate_system == "lps"
    assert np.allclose(LPS_TO_RAS @ theirs.ijk_to_world_matrix, AFFINE)


def test_color_images_both_ways():
    pixels = pixels_of("u1", (2, 5, 6, 3))
    theirs = pyigtl.ImageMessage(pixels, AFFINE, "ras")
    ours = codec.unpack(theirs.pack())
    assert np.array_equal(ours.pixels, pixels)
    assert np.array_equal(unpack_with_pyigtl(codec.pack(ours)).image, pixels)


def test_metadata_of_header_version_2_both_ways():
    theirs = pyigtl.ImageMessage(pixels_of("u1"), AFFINE, "ras", device_name="Phantom")
    theirs.header_version = 2
    theirs.message_id = 77
    theirs.metadata = {"Modality": "CT", "PatientName": "Doe^Jane"}
    ours = codec.unpack(theirs.pack())
    assert (ours.header_version, ours.message_id) == (2, 77)
    assert ours.metadata == theirs.metadata
    ours.metadata["Comment"] = "Grüße"
    again = unpack_with_pyigtl(codec.pack(ours))
    assert again.metadata == {**theirs.metadata, "Comment": "Grüße"}
    assert np.array_equal(again.image, ours.pixels)


def test_its_checksum_is_ours():
    data = pyigtl.StringMessage("the checksum covers this", device_name="Console").pack()
    body = data[codec.HEADER_SIZE :]
    assert pyigtl.messages.CRC64(body) == codec.crc64(body)
    codec.unpack(data, check_crc=True)


@pytest.mark.parametrize(
    ("theirs", "type_name"),
    [
        (pyigtl.TransformMessage(AFFINE, device_name="Needle"), "TRANSFORM"),
        (pyigtl.StringMessage("hello", device_name="Needle"), "STRING"),
    ],
    ids=["TRANSFORM", "STRING"],
)
def test_messages_of_other_types_pass_through_unchanged(theirs, type_name: str):
    data = theirs.pack()
    ours = codec.unpack(data)
    assert (ours.type_name, ours.device_name) == (type_name, "Needle")
    assert codec.pack(ours) == data
    again = unpack_with_pyigtl(codec.pack(ours))
    assert again.message_type == type_name
