"""What images look like before they are loaded: asked for when somebody looks at their rows."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from helpers.hospital import step_until
from helpers.picture_server import PictureServer, entry, shade_of, thumbnail
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser

Serve = Callable[..., PictureServer]
MANY = [f"I{number}" for number in range(1000)]


@pytest.fixture
def serve(unconnected: Browser) -> Iterator[Serve]:
    """Starts a server and connects the browser to it: ``serve(entries, thumbnail=…)``."""
    with ExitStack() as servers:

        def start(entries=("A", "BB"), **fields) -> PictureServer:
            listed = [
                one if isinstance(one, codec.ImageMetaItem) else entry(one) for one in entries
            ]
            server = servers.enter_context(PictureServer(listed, **fields))
            connect(unconnected, server)
            return server

        yield start
        unconnected.disconnect()


def connect(browser: Browser, server: PictureServer, **settings: float) -> None:
    browser.connect("127.0.0.1", server.port, reconnect_delays=(0.0,), **settings)
    browser.list_images()
    if server.types:
        client = browser.connection.client
        step_until(browser, lambda: client.offers_thumbnails is not None, "the capabilities")


def shades(browser: Browser, *image_ids: str) -> list[int | None]:
    return [shade_of(browser.thumbnails.get(image_id)) for image_id in image_ids]


def look_at(browser: Browser, *image_ids: str) -> list[int | None]:
    """Want thumbnails until they are there; return their grays."""
    browser.thumbnails.want(image_ids)
    step_until(browser, lambda: None not in shades(browser, *image_ids), f"{image_ids}")
    return shades(browser, *image_ids)


def rest(browser: Browser) -> None:
    """Step until nothing is asked for and nothing is on its way."""
    idle = lambda: not (browser.thumbnails.is_busy or browser.connection.is_waiting)  # noqa: E731
    step_until(browser, idle, "the end of the answers")


def test_of_a_server_that_is_started_again_the_list_comes_first(unconnected, serve):
    """Its thumbnails, in a moment in which the list is young, would stand beside other names."""
    server = serve([entry("A")])
    server.entries, server.thumbnail = [entry("A", "Jones")], lambda _image_id: thumbnail(9)
    number = unconnected.connection.number
    server.hang_up()
    step_until(unconnected, lambda: unconnected.connection.number > number, "a connection")
    assert look_at(unconnected, "A") == [9]
    assert unconnected.images.listing.entry("A").patient_name == "Jones"


def test_what_is_looked_at_is_asked_for_and_nothing_else(unconnected, serve):
    server = serve(["A", "BB", "CCC"])
    assert look_at(unconnected, "A", "CCC") == [1, 3]
    assert server.names_asked("IMGTHUMB") == ["A", "CCC"]


def test_observers_are_notified_of_each(unconnected, serve):
    serve()
    changed: list[str] = []
    unconnected.thumbnails.changed.connect(changed.append)
    look_at(unconnected, "A", "BB")
    assert changed == ["A", "BB"]


def test_what_is_known_is_not_asked_for_again(unconnected, serve):
    server = serve()
    look_at(unconnected, "A")
    look_at(unconnected, "A", "BB")
    assert server.names_asked("IMGTHUMB") == ["A", "BB"]


def test_what_was_scrolled_past_is_dropped(unconnected, serve):
    server = serve(MANY)
    for first in range(0, 1000, 10):
        unconnected.thumbnails.want(MANY[first : first + 10])
        unconnected.step()
    look_at(unconnected, *MANY[-10:])
    # A few of those that were passed were on their way already.
    assert len(server.names_asked("IMGTHUMB")) < 300


def test_images_go_first(unconnected, serve):
    """While one is on its way, no thumbnail is asked for."""
    go_on = threading.Event()
    server = serve(["A", "BB", "CCC"], thumbnail=lambda one: go_on.wait(20) and thumbnail(9))
    unconnected.thumbnails.want(["A", "BB", "CCC"])
    step_until(unconnected, lambda: server.names_asked("IMGTHUMB"), "the first query")
    unconnected.request_images(["A"])
    go_on.set()
    step_until(unconnected, lambda: unconnected.images.node("A"), "the image")
    assert server.asked[:2] == [("GET_IMGTHUMB", "A"), ("GET_IMAGE", "A")]
    look_at(unconnected, "BB", "CCC")


def test_a_server_without_them_is_not_asked(unconnected, serve):
    server = serve(types=("GET_IMAGE", "IMAGE"))
    unconnected.thumbnails.want(["A"])
    rest(unconnected)
    assert server.asked == []


def test_of_such_a_server_those_of_loaded_images_are_made_of_their_volumes(unconnected, serve):
    serve(types=("GET_IMAGE", "IMAGE"))
    unconnected.thumbnails.want(["A"])
    unconnected.load_image("A")
    step_until(unconnected, lambda: unconnected.thumbnails.get("A"), "the thumbnail")
    planes = unconnected.thumbnails.get("A").planes
    assert [plane.pixels.shape for plane in planes] == [(3, 4), (2, 3), (2, 4)]


# What servers do wrong


def test_a_server_that_refuses_one_is_asked_for_others(unconnected, serve):
    refusal = codec.StatusMessage(codec.StatusCode.NOT_FOUND, message="it has no pixels")
    server = serve(thumbnail=lambda one: refusal if one == "A" else thumbnail(5))
    unconnected.thumbnails.want(["A", "BB"])
    rest(unconnected)
    unconnected.thumbnails.want(["A", "BB"])
    rest(unconnected)
    assert shades(unconnected, "A", "BB") == [None, 5]
    assert server.names_asked("IMGTHUMB") == ["A", "BB"]


LIES = {
    "no planes": codec.ThumbnailMessage(),
    "two planes": codec.ThumbnailMessage(thumbnail(1).planes * 2),
    "too large": thumbnail(1, size=(129, 4)),
    "without pixels": thumbnail(1, size=(0, 4)),
    "no width": codec.ThumbnailMessage(
        [codec.ThumbnailPlane(np.zeros((2, 2), np.uint8), (0.0, 1.0))]
    ),
    "wider than anything": codec.ThumbnailMessage(
        [codec.ThumbnailPlane(np.zeros((2, 2), np.uint8), (3e38, 1e-38))]
    ),
    "not a number": codec.ThumbnailMessage(
        [codec.ThumbnailPlane(np.zeros((2, 2), np.uint8), (float("nan"), 1.0))]
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_what_cannot_be_shown_is_not_and_after_a_few_the_server_is_not_asked(
    unconnected, serve, lie
):
    server = serve(MANY[:20], thumbnail=lambda image_id: lie)
    unconnected.thumbnails.want(MANY[:20])
    rest(unconnected)
    assert shades(unconnected, *MANY[:20]) == [None] * 20
    assert len(server.names_asked("IMGTHUMB")) <= 6
    unconnected.load_image("I1")  # the connection is as good as before


def test_a_server_that_says_it_can_and_breaks_off_is_not_asked_for_ever(unconnected, serve):
    server = serve(MANY[:20], thumbnail=lambda image_id: b"")
    for _ in range(10):
        unconnected.thumbnails.want(MANY[:20])
        rest(unconnected)
        unconnected.list_images()
    assert len(server.names_asked("IMGTHUMB")) <= 6
    unconnected.load_image("I3")


def test_a_server_that_never_answers_is_not_asked_for_ever(unconnected, serve):
    server = serve(thumbnail=lambda image_id: None)
    server.only_silence_counts()
    connect(unconnected, server, answer_timeout=0.3)
    unconnected.thumbnails.want(["A", "BB"])
    step_until(unconnected, lambda: unconnected.thumbnails._is_given_up, "the browser to give up")
    unconnected.load_image("BB")
    asked = len(server.names_asked("IMGTHUMB"))
    unconnected.thumbnails.want(["A", "BB"])
    rest(unconnected)
    assert len(server.names_asked("IMGTHUMB")) == asked <= 4


def test_a_damaged_thumbnail_is_not_shown(unconnected, serve):
    damaged = bytearray(codec.pack(codec.ThumbnailMessage(thumbnail(1).planes, device_name="A")))
    damaged[-1] ^= 1
    server = serve(thumbnail=lambda image_id: bytes(damaged))
    unconnected.thumbnails.want(["A"])
    step_until(unconnected, lambda: server.connections == 2, "another connection")
    rest(unconnected)
    assert shades(unconnected, "A") == [None]


def test_of_a_thumbnail_nothing_is_kept_but_its_picture(unconnected, serve):
    """300 are kept, and each can come with a MiB of metadata: with what is read of it, 3 GB."""
    metadata = {f"key {number}": "value" * 10 for number in range(8000)}
    serve(thumbnail=lambda _: replace(thumbnail(3), metadata=metadata))
    assert look_at(unconnected, "A") == [3]
    kept = unconnected.thumbnails.get("A")
    assert kept.metadata == {}
    assert kept.planes[0].pixels.base is None


@pytest.mark.parametrize("name", ["A", "BB", "", "C" * 20])
def test_thumbnails_that_nobody_has_asked_for_are_passed_over(unconnected, serve, events, name):
    """Thousands of them, of images that are listed or not: no answer, no event, no more work."""
    unasked = codec.ThumbnailMessage(thumbnail(9).planes, device_name=name, header_version=2)
    asked = codec.pack(replace(thumbnail(4), device_name="BB", header_version=2))
    serve(thumbnail=lambda image_id: codec.pack(unasked) * 5000 + asked)
    events.clear()
    look_at(unconnected, "BB")
    rest(unconnected)
    assert shades(unconnected, "BB", "A") == [9 if name == "BB" else 4, None]
    assert [type(event).__name__ for event in events] == ["Previewing"]  # what is asked for


@pytest.mark.parametrize("message", [codec.TransformMessage(), codec.StringMessage("A")])
def test_another_type_under_its_name_is_no_thumbnail(unconnected, serve, message):
    server = serve(thumbnail=lambda image_id: message)
    server.only_silence_counts()
    connect(unconnected, server, answer_timeout=0.3)
    unconnected.thumbnails.want(["A"])
    step_until(unconnected, lambda: unconnected.thumbnails._is_lost, "the end of patience")
    assert shades(unconnected, "A") == [None]
    assert unconnected.load_image("BB")


def test_a_gigabyte_is_refused_by_its_header_and_images_go_on(unconnected, serve):
    """After it, another connection is made if an image has to wait for what is passed over."""
    whole = codec.pack(replace(thumbnail(1), device_name="A", header_version=2))
    lying = bytearray(whole)
    struct.pack_into(">Q", lying, 42, 1 << 30)
    server = serve(thumbnail=lambda image_id: bytes(lying))
    server.only_silence_counts()
    connect(unconnected, server, answer_timeout=0.3)
    unconnected.thumbnails.want(["A"])
    step_until(unconnected, lambda: "A" in unconnected.thumbnails._refused, "the refusal")
    assert shades(unconnected, "A") == [None]
    assert unconnected.load_image("BB")


def test_a_thumbnail_under_another_name_is_not_taken(unconnected, serve):
    other = codec.pack(codec.ThumbnailMessage(thumbnail(9).planes, device_name="BB"))
    serve(thumbnail=lambda image_id: other if image_id == "A" else thumbnail(5))
    unconnected.thumbnails.want(["A"])
    for _ in range(20):
        unconnected.step()
    assert shades(unconnected, "A", "BB") == [None, None]


# The list, patients, the connection


def test_when_the_list_has_changed_it_may_be_another_image(unconnected, serve):
    shade = [1]
    server = serve(thumbnail=lambda image_id: thumbnail(shade[0], tag=str(shade[0])))
    look_at(unconnected, "A")
    server.entries, shade[0] = [entry("A", "Jones")], 2
    unconnected.list_images()
    assert shades(unconnected, "A") == [None]
    assert look_at(unconnected, "A") == [2]


def test_an_answer_that_comes_after_another_list_is_of_another_image(unconnected, serve):
    """The list answers first, with another patient's image under the same id."""
    go_on, answers = threading.Event(), [thumbnail(2)]
    other = codec.ImageMetaMessage(
        items=[entry("A", "Jones")], metadata={"Server": "IGTLMetaBrowser"}, header_version=2
    )
    late = codec.ThumbnailMessage(thumbnail(1).planes, "1", device_name="A", header_version=2)
    answers.append(codec.pack(other) + codec.pack(late))
    server = serve(thumbnail=lambda image_id: go_on.wait(20) and answers.pop())
    seen: list[int | None] = []
    unconnected.thumbnails.changed.connect(lambda one: seen.extend(shades(unconnected, one)))
    unconnected.thumbnails.want(["A"])
    step_until(unconnected, lambda: server.names_asked("IMGTHUMB"), "the query")
    server.entries = other.items
    unconnected.images.request_list()
    unconnected.step()
    go_on.set()
    step_until(unconnected, lambda: seen, "a thumbnail")
    assert seen == [2]


def test_of_two_images_with_one_id_none_is_shown(unconnected, serve):
    server = serve([entry("A", "Smith"), entry("A", "Jones"), entry("B")])
    unconnected.thumbnails.want(["A", "B"])
    rest(unconnected)
    assert shades(unconnected, "A", "B") == [None, 1]
    assert server.names_asked("IMGTHUMB") == ["B"]


def test_while_patients_are_hidden_there_are_none(unconnected, serve):
    server = serve()
    look_at(unconnected, "A")
    unconnected.patients.hide()
    assert shades(unconnected, "A") == [None]
    unconnected.thumbnails.want(["A", "BB"])
    rest(unconnected)
    assert server.names_asked("IMGTHUMB") == ["A"]


def test_after_disconnecting_nothing_is_known(unconnected, serve):
    serve()
    look_at(unconnected, "A")
    unconnected.disconnect()
    assert shades(unconnected, "A") == [None]
    unconnected.thumbnails.want(["A"])
    unconnected.step()


def test_after_a_lost_connection_they_are_asked_for_again(unconnected, serve):
    server = serve()
    look_at(unconnected, "A")
    server.thumbnail = lambda image_id: b""
    unconnected.thumbnails.want(["A", "BB"])
    step_until(unconnected, lambda: "BB" in server.names_asked("IMGTHUMB"), "the query")
    server.thumbnail = lambda image_id: thumbnail(6, tag="2")
    step_until(unconnected, lambda: server.connections == 2, "another connection")
    assert look_at(unconnected, "BB") == [6]


def test_a_server_that_could_not_be_reached_for_a_while_is_asked_again(unconnected, serve):
    server = serve(MANY[:20])
    look_at(unconnected, *MANY[:4])
    go_on = threading.Event()
    server.thumbnail = lambda image_id: go_on.wait(20) and b""
    asked_before = len(server.names_asked("IMGTHUMB"))
    unconnected.thumbnails.want(MANY[4:12])
    is_asked = lambda: len(server.names_asked("IMGTHUMB")) > asked_before  # noqa: E731
    step_until(unconnected, is_asked, "the queries")
    client, port = unconnected.connection.client, server.port
    client.port = 1  # where nobody listens
    go_on.set()
    step_until(unconnected, lambda: unconnected.connection.last_error, "the loss")
    for _ in range(5):
        unconnected.step()
    server.thumbnail = lambda image_id: thumbnail(7)
    client.port = port
    assert look_at(unconnected, *MANY[4:12]) == [7] * 8


# On the disk


def test_what_is_on_the_disk_is_shown_at_once_and_asked_for_once(unconnected, serve, tmp_path):
    unconnected.thumbnails.keep_in(tmp_path)
    server = serve()
    look_at(unconnected, "A")
    unconnected.disconnect()
    connect(unconnected, server)
    server.thumbnail = lambda image_id: thumbnail(8, tag="2")  # the image has changed since
    unconnected.thumbnails.want(["A"])
    unconnected.thumbnails.work()
    assert shades(unconnected, "A") == [1]
    step_until(unconnected, lambda: shades(unconnected, "A") == [8], "the new one")
    assert server.names_asked("IMGTHUMB") == ["A", "A"]


def test_another_patients_image_of_the_same_id_is_not_shown(unconnected, serve, tmp_path):
    unconnected.thumbnails.keep_in(tmp_path)
    server = serve()
    look_at(unconnected, "A")
    unconnected.disconnect()
    server.entries = [entry("A", "Jones")]
    connect(unconnected, server)
    unconnected.thumbnails.want(["A"])
    unconnected.thumbnails._find("A")
    assert shades(unconnected, "A") == [None]


def test_no_file_tells_who_the_patient_is(unconnected, serve, tmp_path):
    named = codec.ThumbnailMessage(
        thumbnail(1).planes, "1", metadata={"PatientName": "Smith"}, device_name="Smith"
    )
    unconnected.thumbnails.keep_in(tmp_path / "new")
    serve([entry("Smith")], thumbnail=lambda image_id: named)
    look_at(unconnected, "Smith")
    (path,) = (tmp_path / "new").iterdir()
    assert b"Smith" not in path.read_bytes()
    assert "Smith" not in path.name
    assert path.parent.stat().st_mode & 0o077 == 0
