"""Thumbnails, from a real server to a real client."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.server import thumbnails
from IGTLMetaBrowserLib.net.server.packed_images import PackedImage


class WithVersions(ImagesInMemory):
    """Tells that its images stay as they are."""

    def image_version(self, image_id: str) -> int:
        """Return the same each time."""
        return 1


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


def test_it_is_made_once():
    source = WithVersions({"A": make_image(1)})
    with ServerInThread(source) as server:
        for _ in range(3):
            with server.client() as client:
                client.get_thumbnail("A")
    assert source.asked_for == ["A"]


def test_one_that_is_made_twice_at_the_same_time_counts_once(monkeypatch: pytest.MonkeyPatch):
    """Two clients have asked for it; otherwise there would soon be no room for any."""
    image = PackedImage(codec.PackedContent(make_image(1)), known_tag="1")
    made = thumbnails.Thumbnails(WithVersions({"A": image.content.message}))
    size = made.make("A", image).content.size
    monkeypatch.setattr(thumbnails, "_MOST_BYTES", size)
    assert made.make("A", image) is made.find("A")


def test_an_image_that_is_not_there_has_no_thumbnail(running_server: ServerInThread):
    with running_server.client() as client, pytest.raises(net.RefusedError, match="no image 'X'"):
        client.get_thumbnail("X")
