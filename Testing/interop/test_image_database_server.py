"""Our client against the reference library's ImageDatabaseServer.

It serves one client at a time, closes after 100 queries, and answers an unknown id with silence.
Its list and its images do not agree: all images have 256×256×1 voxels of uint8.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.peers import step_until
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.header_versions import server_version
from interop import reference_library

# Image 0 is read from file 2, and so on.
FIRST_FILE = 2
IDS = ["IMAGE_0", "IMAGE_1", "IMAGE_2"]

LISTED = [
    codec.ImageMetaItem(
        name=f"IMAGE_DESCRIPTION_{number}",
        id=f"IMAGE_{number}",
        modality=modality,
        patient_name=f"PATIENT_{number}",
        patient_id=f"PATIENT_ID_{number}",
        scan_time=scan_time,
        size=size,
        scalar_type=codec.ScalarType.UINT16,
    )
    for number, modality, scan_time, size in [
        (0, "CT", 1291739370.2345, (512, 512, 64)),
        (1, "MRI", 1291739380.3456, (256, 128, 32)),
        (2, "PET", 1291739390.4567, (256, 256, 32)),
    ]
]


def expected_pixels(image_id: str) -> np.ndarray:
    raw = reference_library.raw_image(FIRST_FILE + IDS.index(image_id))
    return np.frombuffer(raw, np.uint8).reshape(1, 256, 256)


@pytest.fixture
def client(database_port: int):
    with net.Client("127.0.0.1", database_port) as client:
        yield client


def test_the_list_has_exactly_these_images_with_all_their_fields(client: net.Client):
    items = list(client.list_images())
    for item, listed in zip(items, LISTED, strict=True):
        assert item.scan_time.seconds == pytest.approx(listed.scan_time, abs=1e-6)
        item.scan_time = listed.scan_time
        assert item == listed


@pytest.mark.parametrize("image_id", IDS)
def test_every_pixel_of_an_image_is_that_of_the_file(client: net.Client, image_id: str):
    image = client.get_image(image_id)
    assert image.device_name == image_id
    assert image.pixels.dtype == np.uint8
    assert np.array_equal(image.pixels, expected_pixels(image_id))
    assert len(np.unique(image.pixels)) > 50  # the file is a picture, not nothing


def test_the_geometry_of_an_image(client: net.Client):
    image = client.get_image("IMAGE_0")
    assert image.coordinates == codec.Coordinates.RAS
    # Spacing 1×1×5 mm, and the center of 256×256×1 voxels at the origin.
    assert image.ijk_to_ras().tolist() == [
        [1, 0, 0, -127.5],
        [0, 1, 0, -127.5],
        [0, 0, 5, 0],
        [0, 0, 0, 1],
    ]


def test_350_queries_although_the_server_closes_after_100(client: net.Client):
    expected = {image_id: expected_pixels(image_id) for image_id in IDS}
    for number in range(350):
        image_id = IDS[number % 3]
        assert np.array_equal(client.get_image(image_id).pixels, expected[image_id])


def test_350_queries_at_once_although_the_server_closes_after_100(client: net.Client):
    expected = {image_id: expected_pixels(image_id) for image_id in IDS}
    queries = [client.ask("IMAGE", IDS[number % 3]) for number in range(350)]
    step_until(client, lambda: all(query.is_done for query in queries))
    for query in queries:
        assert query.error is None
        assert np.array_equal(query.answer.pixels, expected[query.device_name])


def test_an_unknown_id_is_a_time_out_in_words_and_the_next_query_works(database_port: int):
    with (
        net.Client("127.0.0.1", database_port, answer_timeout=0.3) as impatient,
        pytest.raises(net.TimeOutError) as caught,
    ):
        impatient.get_image("NO_SUCH_IMAGE")
    assert f"127.0.0.1:{database_port} did not answer in 0.3 s" in str(caught.value)
    with net.Client("127.0.0.1", database_port) as client:
        assert np.array_equal(client.get_image("IMAGE_1").pixels, expected_pixels("IMAGE_1"))


def test_trajectories_are_a_time_out_and_the_next_query_works(database_port: int):
    with (
        net.Client("127.0.0.1", database_port, answer_timeout=0.3) as impatient,
        pytest.raises(net.TimeOutError),
    ):
        impatient.get_trajectories()
    with net.Client("127.0.0.1", database_port) as client:
        assert len(client.list_images()) == 3


def test_a_label_map_whose_file_is_missing_comes_with_memory_and_does_no_harm(client: net.Client):
    # LABEL_2 names a seventh file of six: the server sends what its memory holds, and a good CRC.
    assert client.get_image("LABEL_2").pixels.shape == (1, 256, 256)
    assert np.array_equal(client.get_image("IMAGE_0").pixels, expected_pixels("IMAGE_0"))


def test_a_cancelled_image_is_not_taken_for_the_next_one(client: net.Client):
    cancelled = client.ask("IMAGE", "IMAGE_0")
    step_until(client, lambda: client.is_connected)  # and the query is sent
    client.cancel(cancelled)
    assert np.array_equal(client.get_image("IMAGE_1").pixels, expected_pixels("IMAGE_1"))


def test_a_second_client_is_served_when_the_first_has_left(database_port: int):
    with net.Client("127.0.0.1", database_port) as first:
        assert len(first.list_images()) == 3
    with net.Client("127.0.0.1", database_port) as second:
        assert len(second.list_images()) == 3


def test_a_server_that_is_started_again_is_found_again(image_database_server: Path):
    folder = reference_library.IMAGE_FOLDER
    with reference_library.running(image_database_server, folder) as port:
        client = net.Client("127.0.0.1", port)
        assert len(client.list_images()) == 3
    with pytest.raises(net.ConnectionFailedError, match="whether the server is running"):
        client.list_images()
    with reference_library.running(image_database_server, folder) as port, client:
        client.port = port
        assert len(client.list_images()) == 3


def test_the_question_for_header_version_2_leaves_it_in_step(client: net.Client):
    events = []
    for image_id in IDS:
        query = client.ask("IMGMETA")
        events += step_until(client, lambda query=query: query.is_done)
        assert len(query.answer.items) == len(LISTED)
        assert np.array_equal(client.get_image(image_id).pixels, expected_pixels(image_id))
    assert not server_version(client.host, client.port).speaks_2
    assert [event for event in events if isinstance(event, net.Disconnected)] == []
