"""Images packed once for all their readers, and the limit of memory that they share."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from helpers.peers import ImagesInMemory, Peer, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.server.packed_images import NoRoomError, PackedImages

SIZE = (64, 64, 64)
IMAGE_BYTES = 72 + 2 * 64**3


class Fresh:
    """Reads each image anew, as from a disk; ``versions`` says which image it has now."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()

    def images(self) -> list[codec.ImageMetaItem]:
        return []

    def image(self, image_id: str) -> codec.ImageMessage:
        self.read[image_id] += 1
        return make_image(self.versions[image_id], SIZE)

    def image_version(self, image_id: str) -> int:
        return self.versions[image_id]


class Small(Fresh):
    """Has images of one voxel, and counts how often it is asked for the version of one."""

    BYTES = 72 + 2

    def __init__(self) -> None:
        super().__init__()
        self.compared = 0
        self.size = (1, 1, 1)

    def image(self, image_id: str) -> codec.ImageMessage:
        return make_image(self.versions[image_id], self.size)

    def image_version(self, image_id: str) -> int:
        self.compared += 1
        return super().image_version(image_id)


@pytest.fixture
def source() -> Fresh:
    return Fresh()


def test_an_image_is_read_and_packed_once_for_all_who_ask(source: Fresh):
    images = PackedImages(source, limit=10 * IMAGE_BYTES)
    assert images.get("A") is images.get("A")
    assert images.size == IMAGE_BYTES
    assert source.read["A"] == 1


def test_an_image_that_changed_is_read_again(source: Fresh):
    images = PackedImages(source, limit=10 * IMAGE_BYTES)
    old = images.get("A")
    source.versions["A"] = 7
    assert images.get("A") is not old
    assert images.get("A").content.message.pixels[0, 0, 0] == 7


def test_an_image_that_changed_or_is_gone_is_not_kept(source: Fresh):
    images = PackedImages(source, limit=10 * IMAGE_BYTES)
    images.get("A")
    images.get("B")
    source.versions["A"] = 7
    images.forget_changed()
    assert images.size == IMAGE_BYTES


def test_of_a_thousand_images_a_few_are_compared_with_the_source_for_each_that_is_read():
    """A 4D series: each of its images can have many files, and each is asked for by itself."""
    source = Small()
    images = PackedImages(source, limit=1 << 30)
    for number in range(1000):
        before = source.compared
        images.get(f"{number}")
        assert source.compared - before < 10
    for number in range(1000):
        source.versions[f"{number}"] = 7
    for _ in range(500):  # each time that somebody leaves
        images.forget_changed()
    assert images.size == 0


def test_of_very_small_images_the_last_thousand_are_kept():
    """What is in memory is summed for each that is read: a million would take a second."""
    source = Small()
    images = PackedImages(source, limit=1 << 30)
    for number in range(1500):
        images.get(f"{number}")
    assert images.size == 1024 * Small.BYTES


def test_many_small_images_make_room_for_a_large_one_at_once(monkeypatch: pytest.MonkeyPatch):
    """All are not summed again for each that is forgotten."""
    source = Small()
    images = PackedImages(source, limit=1000 * Small.BYTES)
    for number in range(1000):
        images.get(f"{number}")
    summed = 0

    def size(images: PackedImages) -> int:
        nonlocal summed
        summed += 1
        return whole_size(images)

    whole_size = PackedImages.size.fget
    monkeypatch.setattr(PackedImages, "size", property(size))
    source.size = SIZE
    images.get("large")
    assert images.size <= 1000 * Small.BYTES + IMAGE_BYTES
    assert summed < 10


def test_an_image_that_grows_counts_once_for_all_who_are_sent_it(source: Fresh):
    images = PackedImages(source, limit=IMAGE_BYTES)
    message = make_image(1, SIZE)
    held = [images.count_growing(one) for one in (message, replace(message))]
    assert images.size == IMAGE_BYTES
    with pytest.raises(NoRoomError):
        images.count_growing(make_image(2, SIZE))
    held.clear()
    assert images.size == 0


def test_an_image_that_is_kept_for_its_next_part_makes_room(source: Fresh):
    """Who wanted parts of one as large as the limit is idle: others would wait for ever."""
    images = PackedImages(source, limit=IMAGE_BYTES)
    images.get_for_part("A", "")
    growing = images.count_growing(make_image(1, SIZE))
    assert images.size == IMAGE_BYTES
    del growing
    small = images.count_growing(make_image(1, (1, 1, 1)))
    images.get_for_part("A", "")
    owner = Fresh()
    images.reserve(owner, 1, beside=small)
    assert images.size == small.content.size + 1


def test_whoever_has_no_part_yet_gets_one_of_the_image_as_it_is_now(source: Fresh):
    """The list may be newer than what another was sent a moment ago."""
    images = PackedImages(source, limit=10 * IMAGE_BYTES)
    before = images.get_for_part("A", "")
    source.versions["A"] = 7
    assert images.get_for_part("A", before.tag) is before
    assert images.has("A", before.tag)
    assert not images.has("A")
    assert images.get_for_part("A", "").content.message.pixels[0, 0, 0] == 7


def test_the_image_that_nobody_asked_for_the_longest_is_forgotten(source: Fresh):
    images = PackedImages(source, limit=2 * IMAGE_BYTES)
    for image_id in "ABAC":  # A was asked for after B
        images.get(image_id)
    assert images.size == 2 * IMAGE_BYTES
    images.get("A")
    assert source.read == Counter("ABC")
    images.get("B")
    assert source.read["B"] == 2


def test_a_source_without_versions_is_asked_each_time():
    source = ImagesInMemory({"A": make_image(1, SIZE)})
    images = PackedImages(source, limit=10 * IMAGE_BYTES)
    images.get("A")
    assert images.size == 0
    images.get("A")
    assert source.asked_for == ["A", "A"]


def test_more_than_the_limit_waits_until_somebody_has_its_image(source: Fresh):
    images = PackedImages(source, limit=2 * IMAGE_BYTES)
    sent = [images.get("A"), images.get("B")]
    with pytest.raises(net.NotReadyError) as raised:
        images.get("C")
    assert raised.value.retry_after > 0
    assert images.get("A") is sent[0]  # what is in memory is shared, also when it is full
    del sent[:]
    gc.collect()
    assert images.get("C")
    assert images.size <= 2 * IMAGE_BYTES


def test_an_image_larger_than_the_limit_is_sent_alone(source: Fresh):
    images = PackedImages(source, limit=10)
    held = images.get("A")
    with pytest.raises(net.NotReadyError):
        images.get("B")
    del held
    assert images.get("B")


@pytest.mark.parametrize("limit", [10, 3 * IMAGE_BYTES, 100 * IMAGE_BYTES])
def test_all_clients_get_their_images_whatever_the_limit(source: Fresh, limit: int):
    limits = net.ServerLimits(image_cache_size=limit)
    with ServerInThread(source, limits=limits) as server:
        peers = [Peer.connect(server.port) for _ in range(16)]
        for number, peer in enumerate(peers):
            source.versions[f"{number % 8}"] = number % 8
            peer.send(codec.GetMessage("IMAGE", device_name=f"{number % 8}"))
        for number, peer in enumerate(peers):
            expected = make_image(number % 8, SIZE).pixels
            assert np.array_equal(peer.receive().pixels, expected)
            assert server.server.cached_bytes <= limit + IMAGE_BYTES
            peer.socket.close()


# Lists


class Listed(ImagesInMemory):
    """Lists what ``listing`` holds."""

    listing: Sequence[codec.ImageMetaItem] = ()

    def images(self) -> Sequence[codec.ImageMetaItem]:
        return self.listing


@pytest.mark.parametrize("kind", [tuple, list])
def test_a_list_that_changed_is_packed_anew(kind: type):
    source = Listed()
    with ServerInThread(source) as server, server.client() as client:
        for names in (["A", "B"], ["A", "B"], ["C"], []):
            source.listing = kind(codec.ImageMetaItem(name, name) for name in names)
            assert [item.id for item in client.list_images()] == names


def test_a_list_that_stays_is_sent_under_every_name_and_version():
    source = Listed()
    source.listing = tuple(codec.ImageMetaItem(name, name) for name in "ABC")
    with ServerInThread(source) as server, Peer.connect(server.port) as peer:
        for name, version, number in [("", 1, 0), ("Client", 2, 7), ("", 1, 0), ("", 2, 9)]:
            peer.send(
                codec.GetMessage(
                    "IMGMETA", device_name=name, header_version=version, message_id=number
                )
            )
            answer = peer.receive()
            assert [item.id for item in answer.items] == ["A", "B", "C"]
            assert (answer.device_name, answer.header_version) == (name, version)
            assert answer.message_id == number
        peer.send(codec.GetMessage("IMGMETA", device_name="B"))
        assert [item.id for item in peer.receive().items] == ["B"]
