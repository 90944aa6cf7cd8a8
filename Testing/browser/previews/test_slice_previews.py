"""Slices of an image to scroll through before it is loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from helpers.hospital import step_until
from helpers.picture_server import PictureServer, entry
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.previews import slice_previews
from IGTLMetaBrowserLib.codec.planes import Direction

Serve = Callable[..., PictureServer]
SIZE = (300, 4, 2)  # more than 128 voxels along i: every third one is asked for


def big(image_id: str, patient: str = "Smith") -> codec.ImageMetaItem:
    listed = entry(image_id, patient)
    listed.size = SIZE
    return listed


def part(query: codec.GetImagePartMessage, **changes) -> codec.ImagePartMessage:
    """Answer a query for all voxels of an image, whose values count from 0 along i."""
    voxels = np.broadcast_to(np.arange(SIZE[0], dtype=np.uint16), SIZE[::-1])
    i, j, k = query.stride
    fields = {
        "matrix": np.array([[-1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, 2.0, 0]]),
        "tag": "1",
        "size": SIZE,
        "stride": query.stride,
    }
    data = np.ascontiguousarray(voxels[::k, ::j, ::i]).tobytes()
    return codec.ImagePartMessage(data, codec.ScalarType.UINT16, SIZE, **{**fields, **changes})


def larger(query: codec.GetImagePartMessage, times: int, components: int):
    """Answer with a part of a larger image than is listed, or one of more than can be shown."""
    i, j, k = (times * SIZE[0], *SIZE[1:])
    count = -(-i // query.stride[0]) * j * k * components * 2
    fields = {"size": (i, j, k), "stride": query.stride, "components": components}
    return codec.ImagePartMessage(bytes(count), codec.ScalarType.UINT16, (i, j, k), **fields)


@pytest.fixture
def serve(unconnected: Browser) -> Iterator[Serve]:
    """Starts a server and connects the browser to it: ``serve(part=…)``."""
    with ExitStack() as servers:

        def start(entries=None, part=part, **fields) -> PictureServer:
            entries = entries or [big("A"), big("B")]
            server = servers.enter_context(PictureServer(entries, part=part, **fields))
            unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.0,))
            unconnected.list_images()
            know_capabilities(unconnected)
            return server

        yield start
        unconnected.disconnect()


def know_capabilities(browser: Browser) -> None:
    client = browser.connection.client
    step_until(browser, lambda: client.offers_parts is not None, "the capabilities")


def look_at(browser: Browser, image_id: str):
    browser.previews.want(image_id)
    step_until(browser, lambda: browser.previews.stack(image_id), f"the slices of {image_id}")
    return browser.previews.stack(image_id)


def rest(browser: Browser) -> None:
    idle = lambda: not (browser.previews.is_busy or browser.connection.is_waiting)  # noqa: E731
    step_until(browser, idle, "the end of the answers")


def test_every_nth_voxel_is_asked_for_so_that_no_side_has_more_than_128(unconnected, serve):
    serve()
    stack = look_at(unconnected, "A")
    assert stack.voxels.shape == (2, 4, 100)
    assert stack.voxels[0, 0, :3].tolist() == [0, 3, 6]
    assert stack.ijk_to_ras[:3, 0].tolist() == [-3.0, 0.0, 0.0]
    assert stack.taken is Direction.AXIAL
    assert unconnected.images.node("A") is None


def test_it_is_asked_for_once_as_long_as_the_list_is_the_same(unconnected, serve):
    server = serve()
    for image_id in "ABA":
        look_at(unconnected, image_id)
    assert server.names_asked("IMGPART") == ["A", "B"]
    server.entries = [big("A", "Jones")]
    unconnected.list_images()
    assert unconnected.previews.stack("A") is None
    look_at(unconnected, "A")
    assert server.names_asked("IMGPART") == ["A", "B", "A"]


def test_one_that_is_not_looked_at_any_more_is_not_waited_for(unconnected, serve):
    go_on = threading.Event()
    server = serve(part=lambda query: go_on.wait(20) and part(query))
    unconnected.previews.want("A")
    step_until(unconnected, lambda: server.names_asked("IMGPART"), "the query")
    unconnected.previews.want("B")
    go_on.set()
    look_at(unconnected, "B")
    assert unconnected.previews.stack("A") is None


def test_images_go_first(unconnected, serve):
    server = serve()
    unconnected.request_images(["A"])
    unconnected.previews.want("B")
    step_until(unconnected, lambda: unconnected.previews.stack("B"), "the slices")
    assert server.asked[-1] == ("GET_IMGPART", "B")
    assert unconnected.images.node("A") is not None


def test_a_loaded_image_is_shown_by_its_own_voxels(unconnected, serve):
    server = serve([entry("A")])
    unconnected.load_image("A")
    assert look_at(unconnected, "A").voxels.shape == (2, 3, 4)
    assert server.names_asked("IMGPART") == []


def test_a_loaded_image_is_not_shown_as_another_that_has_its_id_now(unconnected, serve):
    """As servers do that number their images, and are started again for the next patient."""
    server = serve([entry("A", "Smith")], types=("GET_IMAGE", "IMAGE"))
    unconnected.load_image("A")
    assert look_at(unconnected, "A") is not None
    unconnected.thumbnails.want(["A"])
    step_until(unconnected, lambda: unconnected.thumbnails.get("A"), "the thumbnail")
    server.entries = [entry("A", "Jones")]
    unconnected.list_images()
    unconnected.thumbnails.want(["A"])
    rest(unconnected)
    assert unconnected.previews.stack("A") is None
    assert unconnected.thumbnails.get("A") is None


NO_SPACE = np.zeros((3, 4))


@pytest.mark.parametrize(
    "lie",
    [
        lambda query: codec.StatusMessage(codec.StatusCode.NOT_FOUND, message="no voxels"),
        lambda query: part(query, matrix=NO_SPACE),
        lambda query: part(query, stride=(1, 1, 1), size=(100, 4, 2)),
        lambda query: larger(query, 2, 1),
        lambda query: larger(query, 1, 0xFF),
        lambda query: codec.ThumbnailMessage(),
        lambda query: part(query, header_version=2, metadata={"PatientID": "id of Jones"}),
    ],
    ids=[
        "refused",
        "no space",
        "other stride",
        "more voxels",
        "more bytes",
        "other type",
        "other patient",
    ],
)
def test_what_is_not_what_was_asked_for_is_not_shown_and_not_asked_for_again(
    unconnected, serve, lie, monkeypatch
):
    monkeypatch.setattr(slice_previews, "_LARGEST", 100 * 4 * 2 * 2)
    server = serve(part=lie, types=("GET_IMGPART", "IMGPART"))
    unconnected.previews.want("A")
    step_until(unconnected, lambda: server.names_asked("IMGPART"), "the query")
    if lie(codec.GetImagePartMessage(stride=(3, 1, 1))).type_name != "IMGTHUMB":
        rest(unconnected)
        unconnected.previews.want("A")
        rest(unconnected)
    assert unconnected.previews.stack("A") is None
    assert server.names_asked("IMGPART") == ["A"]


def test_one_that_is_lost_with_its_connection_is_asked_for_once_more(unconnected, serve):
    server = serve(part=lambda query: b"")
    for _ in range(4):
        unconnected.previews.want("A")
        rest(unconnected)
        unconnected.list_images()
        know_capabilities(unconnected)
    assert server.names_asked("IMGPART") == ["A", "A"]


def test_while_patients_are_hidden_there_is_none(unconnected, serve):
    server = serve()
    unconnected.patients.hide()
    unconnected.previews.want("A")
    rest(unconnected)
    assert unconnected.previews.stack("A") is None
    assert server.names_asked("IMGPART") == []


def test_of_two_images_with_one_id_none_is_asked_for(unconnected, serve):
    server = serve([big("A"), big("A", "Jones")])
    unconnected.previews.want("A")
    rest(unconnected)
    assert server.names_asked("IMGPART") == []
