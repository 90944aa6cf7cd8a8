"""Parts of images, from a real server to a real client."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.server.packed_images import PackedImages
from IGTLMetaBrowserLib.net.server.served_parts import PartInWork

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
    assert 0 < len(first.tag) <= 32


def test_parts_of_an_image_that_has_changed_are_refused():
    images = {"A": make_image(1)}
    with ServerInThread(ImagesInMemory(images)) as server, server.client() as client:
        tag = client.get_image_part(request("A")).tag
        images["A"] = make_image(2)
        with pytest.raises(net.RefusedError, match="the image has changed"):
            client.get_image_part(request("A", tag=tag))
        assert client.get_image_part(request("A")).tag != tag


def test_whole_slices_are_sent_from_where_they_lie_and_summed_once(source: ImagesInMemory):
    source.image_version = lambda image_id: 1
    packed = PackedImages(source, 1 << 30)
    image = packed.get("LARGE")
    image.sum_for(60)
    parts = [PartInWork(packed, image, request(start=(0, 0, 9))).step(60) for _ in range(2)]
    assert parts[0] is parts[1]
    pixels = image.content.message.pixels
    assert np.shares_memory(parts[0].content.message.voxels(), pixels)
    assert packed.size == image.content.size


def test_copies_count_as_memory_as_long_as_they_are_sent(source: ImagesInMemory):
    source.image_version = lambda image_id: 1
    packed = PackedImages(source, 1 << 20)
    image = packed.get("LARGE")  # larger than the limit alone: it is let be
    image.sum_for(60)
    first = PartInWork(packed, image, request(stride=(2, 1, 1))).step(60)
    assert packed.size == image.content.size + first.content.size
    waiting = PartInWork(packed, image, request(encodings=DELTAS))
    with pytest.raises(net.NotReadyError) as raised:
        waiting.step(60)
    assert raised.value.retry_after > 0
    del first
    assert waiting.step(60).content.message.encoding == codec.PartEncoding.ZIGZAG_DELTAS


def test_copies_count_while_they_are_made_and_until_who_asked_is_gone(source: ImagesInMemory):
    packed = PackedImages(source, 1 << 20)
    image = packed.get("LARGE")
    image.sum_for(60)
    asked = [PartInWork(packed, image, request(encodings=DELTAS)) for _ in range(20)]
    gc.disable()
    try:
        for _ in range(3):
            for part in asked:
                with pytest.raises(net.NotReadyError):
                    part.step(0)
        assert packed.size - image.content.size < 5 << 20  # one of them, of all that wait
        del asked, part
        assert packed.size == image.content.size
    finally:
        gc.enable()


def test_a_part_is_made_in_turns(source: ImagesInMemory):
    packed = PackedImages(source, 1 << 30)
    image = packed.get("LARGE")
    image.sum_for(60)
    work = PartInWork(packed, image, request(encodings=DELTAS))
    turns = 0
    while True:
        try:
            part = work.step(0)
        except net.NotReadyError:
            turns += 1
        else:
            break
    assert turns >= 8  # a piece of 256 KB each
    assert np.array_equal(part.content.message.voxels(), source.image("LARGE").pixels)


def test_a_part_of_a_single_large_slice_is_made_in_turns():
    slide = np.arange(3 * 8192 * 1024, dtype=np.uint32).reshape(1, 8192, 1024, 3)
    slides = ImagesInMemory({"S": codec.ImageMessage(slide, device_name="S")})
    packed, turns = PackedImages(slides, 1 << 30), 1
    work = PartInWork(packed, packed.get("S"), request("S", stride=(2, 2, 1)))
    while True:
        try:
            part = work.step(0)
            break
        except net.NotReadyError:
            turns += 1
    assert turns > 20
    assert np.array_equal(part.content.message.voxels(), slide[:, ::2, ::2])


@pytest.mark.parametrize(
    ("start", "words"), [((0, 0, 64), "none from"), ((200, 0, 0), r"\(128, 128, 64\) voxels")]
)
def test_a_box_outside_the_image_is_refused(running_server: ServerInThread, start, words: str):
    with running_server.client() as client, pytest.raises(net.RefusedError, match=words):
        client.get_image_part(request(start=start))


def test_large_copies_are_refused_in_words():
    pixels = np.broadcast_to(np.int16(0), (70, 1024, 1024))
    images = {"A": codec.ImageMessage(pixels)}
    with (
        ServerInThread(ImagesInMemory(images)) as server,
        server.client() as client,
        pytest.raises(net.RefusedError, match="ask for less at a time"),
    ):
        client.get_image_part(request("A", start=(1, 0, 0)))


def test_files_are_not_looked_at_again_for_each_part(source: ImagesInMemory):
    asked = []
    source.image_version = asked.append
    with ServerInThread(source) as server, server.client() as client:
        tag = ""
        for k in range(20):
            tag = client.get_image_part(request(start=(0, 0, k), size=(0, 0, 1), tag=tag)).tag
    assert len(asked) < 20
    assert source.asked_for == ["LARGE"]
