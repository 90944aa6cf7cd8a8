"""Thumbnails, from a real server to a real client."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.peers import ImagesInMemory, Peer, ServerInThread, make_image
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.codec import slice_stack
from IGTLMetaBrowserLib.net.server import replies, thumbnails
from IGTLMetaBrowserLib.net.server.packed_images import PackedImage
from IGTLMetaBrowserLib.net.server.thumbnails import planes_of


class WithVersions(ImagesInMemory):
    """Tells that its images stay as they are."""

    def image_version(self, image_id: str) -> int:
        """Return the same each time."""
        return 1


class Scene(WithVersions):
    """Its images may change at any time, which costs it nothing to tell."""

    seconds_between_images = 1.0
    version = 1

    def image_version(self, image_id: str) -> int:
        """Return another number after each change."""
        return self.version


def test_a_thumbnail_has_the_middle_slice_of_each_direction(running_server: ServerInThread):
    with running_server.client() as client:
        thumbnail = client.get_thumbnail("LARGE")
        part = client.get_image_part(codec.GetImagePartMessage(device_name="LARGE"))
    assert [plane.pixels.shape for plane in thumbnail.planes] == [(128, 128), (64, 128), (64, 128)]
    assert thumbnail.tag == part.tag
    assert thumbnail.planes[0].pixels.std() > 0


def test_a_slice_is_shown_as_in_slicer():
    # The patient's left, at the end of i, is bright, and so is the front, at the end of j.
    pixels = np.zeros((1, 4, 4), np.int16)
    pixels[0, 3, 3] = 100
    ras = np.diag([-1.0, 1.0, 1.0, 1.0])  # i goes from right to left, j from back to front
    image = codec.ImageMessage.from_ijk_to_ras(pixels, ras)
    with ServerInThread(ImagesInMemory({"A": image})) as server, server.client() as client:
        (plane,) = client.get_thumbnail("A").planes
    assert plane.pixels[0, 3] == 255
    assert plane.pixels.sum() == 255


def test_colors_stay_colors():
    pixels = np.zeros((1, 2, 2, 3), np.uint8)
    pixels[..., 0] = 200
    image = codec.ImageMessage(pixels)
    with ServerInThread(ImagesInMemory({"A": image})) as server, server.client() as client:
        (plane,) = client.get_thumbnail("A").planes
    assert plane.pixels.reshape(-1, 3).tolist() == [[200, 0, 0]] * 4


class WithMetadata(ImagesInMemory):
    """Knows the modality of some of its images, of which there are many."""

    def metadata(self, image_id: str) -> dict[str, str]:
        return {"Modality": "PT"} if image_id == "A" else {}

    def images(self):
        raise AssertionError("the list is searched")


@pytest.mark.parametrize("image_id", ["A", "B"])
def test_the_list_of_a_source_that_knows_the_image_is_not_searched(image_id: str):
    image = make_image(1)
    made = thumbnails.ServedThumbnails(WithMetadata({image_id: image}))
    packed = PackedImage(codec.PackedContent(image))
    assert made.begin(image_id, packed).step(math.inf).content.message.planes


def test_it_is_made_once():
    source = WithVersions({"A": make_image(1)})
    with ServerInThread(source) as server:
        for _ in range(3):
            with server.client() as client:
                client.get_thumbnail("A")
    assert source.asked_for == ["A"]


def test_one_that_is_made_twice_at_the_same_time_counts_once(monkeypatch: pytest.MonkeyPatch):
    """Two clients have asked for it; otherwise there would soon be no room for any."""
    image = PackedImage(codec.PackedContent(make_image(1)), ("A", 1), "1")
    made = thumbnails.ServedThumbnails(WithVersions({"A": image.content.message}))
    works = [made.begin("A", image) for _ in range(2)]
    size = works[0].step(math.inf).content.size
    monkeypatch.setattr(thumbnails, "_MOST_BYTES", size)
    assert works[1].step(math.inf) is made.find("A")


def test_one_of_an_image_that_is_another_by_now_is_not_kept():
    """Its file was written again meanwhile: the next one would be shown as this one."""
    source = Scene({"A": make_image(1)})
    image = PackedImage(codec.PackedContent(make_image(1)), ("A", source.version))
    made = thumbnails.ServedThumbnails(source)
    work = made.begin("A", image)
    source.version += 1
    assert work.step(math.inf).content.message.tag == image.tag
    assert made.find("A") is None


def test_of_a_large_image_one_slice_is_looked_at_in_a_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replies, "_TURN_SECONDS", 0.0)
    counts: list[int] = []

    def shrunk(plane: np.ndarray, most: int) -> tuple:
        counts[-1] += 1
        return shrunk_at_once(plane, most)

    shrunk_at_once = slice_stack.shrunk
    monkeypatch.setattr(slice_stack, "shrunk", shrunk)
    image = make_image(1)
    source = ImagesInMemory({"A": image})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMGTHUMB", device_name="A"))
        while not is_readable(peer.socket):
            counts.append(0)
            server.step()
        answer = peer.receive()
    assert [*filter(None, counts)] == [1, 1, 1]
    assert answer.planes == [*planes_of(image, "CT")]


def test_one_that_changes_while_its_slices_are_looked_at_is_refused(
    monkeypatch: pytest.MonkeyPatch,
):
    """As an image in a scene may, whose voxels are not copied: a slice of each would be shown."""
    monkeypatch.setattr(replies, "_TURN_SECONDS", 0.0)
    source = Scene({"A": make_image(1)})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMGTHUMB", device_name="A"))
        while not any(client.reply and client.reply.thumbnail for client in server._clients):
            server.step()
        server.step()
        source.version += 1
        while not is_readable(peer.socket):
            server.step()
        status = peer.receive()
    assert "has changed" in status.message


def test_an_image_that_is_not_there_has_no_thumbnail(running_server: ServerInThread):
    with running_server.client() as client, pytest.raises(net.RefusedError, match="no image 'X'"):
        client.get_thumbnail("X")
