"""Parts of images, from a real server to a real client."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net

DELTAS = (codec.PartEncoding.ZIGZAG_DELTAS,)
SIZE = (128, 128, 64)


def request(image_id: str = "LARGE", **fields: object) -> codec.GetImagePartMessage:
    return codec.GetImagePartMessage(device_name=image_id, **fields)


@pytest.mark.parametrize("encodings", [(), DELTAS], ids=["as it is", "encoded"])
@pytest.mark.parametrize(
    ("start", "size", "stride"),
    [
        ((0, 0, 0), (0, 0, 0), (1, 1, 1)),
        ((0, 0, 20), (0, 0, 8), (1, 1, 1)),
        ((3, 5, 7), (50, 40, 30), (1, 1, 1)),
        ((0, 0, 0), (0, 0, 0), (4, 4, 2)),
        ((1, 2, 3), (100, 90, 999), (3, 5, 7)),
        ((127, 127, 63), (1, 1, 1), (9, 9, 9)),
    ],
)
def test_a_part_has_the_voxels_of_the_image(
    running_server: ServerInThread, source: ImagesInMemory, start, size, stride, encodings
):
    whole = source.image("LARGE").pixels
    with running_server.client() as client:
        part = client.get_image_part(
            request(start=start, size=size, stride=stride, encodings=encodings)
        )
    i, j, k = (
        slice(first, first + count if count else None, step)
        for first, count, step in zip(start, size, stride, strict=True)
    )
    assert np.array_equal(part.voxels(), whole[k, j, i])
    assert np.array_equal(part.voxels(), whole[part.slices()])
    assert part.voxels().dtype == whole.dtype
    assert np.array_equal(part.whole_geometry().ijk_to_ras(), source.image("LARGE").ijk_to_ras())


def test_all_parts_of_an_image_have_its_tag_and_another_image_has_another(
    running_server: ServerInThread,
):
    with running_server.client() as client:
        first = client.get_image_part(request(size=(0, 0, 1)))
        second = client.get_image_part(request(start=(0, 0, 9), tag=first.tag))
        other = client.get_image_part(request("A"))
    assert first.tag == second.tag != other.tag
    assert len(first.tag) == 32


def test_parts_of_an_image_that_has_changed_are_refused():
    images = {"A": make_image(1)}
    with ServerInThread(ImagesInMemory(images)) as server, server.client() as client:
        tag = client.get_image_part(request("A")).tag
        images["A"] = make_image(2)
        with pytest.raises(net.RefusedError, match="the image has changed"):
            client.get_image_part(request("A", tag=tag))
        assert client.get_image_part(request("A")).tag != tag
