"""What the header of an IMAGE message tells of its image."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.modules import (
    IMAGE_PIXEL,
    PATIENT,
    VOLUME_GEOMETRY,
    ImagePixel,
    VolumeGeometry,
)
from IGTLMetaBrowserLib.metadata.providers.image_header import ImageHeaderProvider
from IGTLMetaBrowserLib.metadata.registry import NOTHING

MATRIX = (-0.25, 0, 0, 10, 0, -0.5, 0, 20, 0, 0, 2, 30, 0, 0, 0, 1)


@pytest.fixture
def headers(image):
    provider = ImageHeaderProvider()
    provider.keep("A", image)
    return provider


def test_it_knows_pixels_and_geometry(headers):
    assert headers(IMAGE_PIXEL, "A") == ImagePixel(
        Rows=5, Columns=7, SamplesPerPixel=1, BitsAllocated=16, PixelRepresentation=1
    )
    assert headers(VOLUME_GEOMETRY, "A") == VolumeGeometry(MATRIX, (7, 5, 3))


@pytest.mark.parametrize(("type_", "image_id"), [(PATIENT, "A"), (IMAGE_PIXEL, "UNKNOWN")])
def test_it_knows_nothing_else(headers, type_, image_id):
    assert headers(type_, image_id) is NOTHING


def test_the_matrix_is_ras_whatever_the_message_is_in(headers, image):
    as_lps = codec.ImageMessage.from_ijk_to_ras(
        image.pixels, image.ijk_to_ras(), coordinates=codec.Coordinates.LPS
    )
    headers.keep("LPS", as_lps)
    assert headers(VOLUME_GEOMETRY, "LPS").IjkToRas == MATRIX


def test_the_message_s_coordinates_can_be_overruled(headers, image):
    headers.keep("A", image, codec.Coordinates.LPS)
    matrix = np.reshape(headers(VOLUME_GEOMETRY, "A").IjkToRas, (4, 4))
    assert matrix.tolist() == image.ijk_to_ras(codec.Coordinates.LPS).tolist()


def test_a_part_of_an_image_tells_of_the_whole(headers):
    part = codec.ImageMessage(np.zeros((1, 5, 7, 3), np.uint8), size=(7, 5, 3), offset=(0, 0, 2))
    headers.keep("PART", part)
    assert headers(VOLUME_GEOMETRY, "PART").Size == (7, 5, 3)
    assert headers(IMAGE_PIXEL, "PART").SamplesPerPixel == 3


@pytest.mark.parametrize("number", [0, np.nan])
def test_a_matrix_that_spans_no_space_is_left_out(headers, number):
    headers.keep("FLAT", codec.ImageMessage(np.zeros((3, 5, 7)), np.full((3, 4), number)))
    assert headers(VOLUME_GEOMETRY, "FLAT") == VolumeGeometry((), (7, 5, 3))


def test_the_next_image_takes_the_place_of_the_one_before(providers, headers):
    providers.add_provider(headers)
    assert providers.get(VOLUME_GEOMETRY, "A").Size == (7, 5, 3)
    headers.keep("A", codec.ImageMessage(np.zeros((1, 2, 3))))
    assert providers.get(VOLUME_GEOMETRY, "A").Size == (3, 2, 1)
    headers.forget("A")
    assert providers.get(VOLUME_GEOMETRY, "A") is NOTHING


def test_a_stream_of_images_with_one_header_changes_nothing(providers, headers, image):
    changes = []
    headers.changed.connect(changes.append)
    for _ in range(10):
        headers.keep("A", image)
    assert changes == []


def test_the_oldest_image_is_forgotten_where_there_are_too_many(providers, image):
    headers = ImageHeaderProvider(most_images=2)
    providers.add_provider(headers)
    headers.keep("A", image)
    assert providers.get(IMAGE_PIXEL, "A").Rows == 5
    headers.keep("B", image)
    headers.keep("C", image)
    assert providers.get(IMAGE_PIXEL, "A") is NOTHING
    assert providers.get(IMAGE_PIXEL, "B").Rows == 5
