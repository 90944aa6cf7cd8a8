"""Large images from servers that send parts: coarse first, then refined until they are whole."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import numpy as np
import pytest

from helpers import part_peers
from helpers.hospital import finish, of_type, step_until
from helpers.part_peers import (
    SIZE,
    Gate,
    begin,
    connect,
    entry_of,
    large_image,
    part_of,
    parts_of,
    pixels_of,
    refuse,
    send_damaged,
    send_part,
    volumes,
)
from helpers.peers import PATIENCE, ScriptedServer
from helpers.shaped_link import ShapedLink
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.downloads import part_downloads
from IGTLMetaBrowserLib.browser.events import (
    ImageFailed,
    ImageLoaded,
    ImagesCancelled,
    PreviewShown,
)
from IGTLMetaBrowserLib.net.client import link_speed
from IGTLMetaBrowserLib.scene.images.outgoing_volumes import ijk_to_world

PREVIEW = "IGTLMetaBrowser.Preview"


pytestmark = pytest.mark.usefixtures("previews_at_once")


def test_the_image_is_the_same_as_when_it_is_fetched_as_a_whole(unconnected, events, scene):
    image = large_image()
    with ScriptedServer(parts_of(image)) as server:
        begin(unconnected, events, server)
        finish(unconnected)
    node = unconnected.images.node("CT")
    assert np.array_equal(pixels_of(node), image.pixels)
    assert np.allclose(ijk_to_world(node), image.ijk_to_ras(), atol=1e-4)
    assert (node.GetName(), node.GetAttribute(PREVIEW)) == ("Head", None)
    assert node.GetAttribute("IGTLMetaBrowser.ImageId") == "CT"
    assert (node.GetHideFromEditors(), node.GetSaveWithScene()) == (0, 1)
    assert volumes(scene) == [node]
    assert of_type(events, ImageLoaded) == [ImageLoaded("CT", node, ())]


def test_at_first_a_few_of_the_voxels_are_shown_where_they_belong(unconnected, events):
    image, gate = large_image(), Gate(1)
    with ScriptedServer(parts_of(image, gate)) as server:
        preview = begin(unconnected, events, server)
        assert np.array_equal(pixels_of(preview), image.pixels[::3, ::3, ::6])
        matrix = image.ijk_to_ras() @ np.diag([6, 3, 3, 1])
        assert np.allclose(ijk_to_world(preview), matrix, atol=1e-4)
        assert preview.GetName() == "Head (preview 1/6 resolution)"
        assert preview.GetAttribute(PREVIEW) == "1/6 resolution"
        gate.open()
        finish(unconnected)


def test_the_rest_refines_the_preview_from_the_middle_outwards(unconnected, events):
    image, gate = large_image(), Gate(2)
    with ScriptedServer(parts_of(image, gate)) as server:
        preview = begin(unconnected, events, server)
        is_refined = lambda: preview.GetAttribute(PREVIEW).endswith("%")  # noqa: E731
        step_until(unconnected, is_refined, "a finer preview")
        pixels = pixels_of(preview)
        are_real = (pixels == image.pixels).all(axis=(1, 2))
        assert np.allclose(ijk_to_world(preview), image.ijk_to_ras(), atol=1e-4)
        percent = int(100 * are_real.mean())
        assert preview.GetAttribute(PREVIEW) == f"{percent} %"
        assert are_real[SIZE[2] // 2]
        assert not are_real[[0, -1]].any()
        # Elsewhere the nearest of the voxels that came first stands for those that are missing.
        assert np.array_equal(pixels[0, ::3, ::6], image.pixels[0, ::3, ::6])
        assert np.isin(pixels[0], image.pixels[0, ::3, ::6]).all()
        gate.open()
        finish(unconnected)
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)


def test_a_preview_cannot_be_chosen_in_other_modules_and_is_not_saved(unconnected, events, scene):
    gate = Gate(1)
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(unconnected, events, server)
        assert preview.GetHideFromEditors()
        assert not preview.GetSaveWithScene()
        assert not preview.GetDisplayNode().GetSaveWithScene()
        assert preview.GetAttribute("IGTLMetaBrowser.ImageId") is None  # nothing adopts it
        assert unconnected.images.node("CT") is None
        gate.open()
        finish(unconnected)


def test_the_whole_image_takes_the_place_of_its_preview(unconnected, events, scene):
    gate = Gate(1)
    layers = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(unconnected, events, server)
        layers.SetBackgroundVolumeID(preview.GetID())
        preview.GetDisplayNode().SetWindowLevel(77, 7)
        gate.open()
        finish(unconnected)
    node = unconnected.images.node("CT")
    assert layers.GetBackgroundVolumeID() == node.GetID()
    assert (node.GetDisplayNode().GetWindow(), node.GetDisplayNode().GetLevel()) == (77, 7)
    assert preview.GetScene() is None


def test_over_a_fast_link_images_are_fetched_as_a_whole(unconnected, events, monkeypatch):
    # As it was measured: see test_link_speed.py.
    monkeypatch.setattr(link_speed.LinkSpeed, "bytes_per_second", 1e9)
    monkeypatch.setattr(part_downloads, "_SECONDS_WITHOUT_PREVIEW", 0.5)
    asked = []

    def note(peer, query, part):
        asked.append(query)
        peer.send(part)

    with ScriptedServer(parts_of(large_image(), note)) as server:
        connect(unconnected, server)
        unconnected.load_image("CT")
        unconnected.load_image("CT")
    assert len(asked) == 1  # once it is known that the link is fast, for all images
    assert of_type(events, PreviewShown) == []


def test_an_image_that_is_loaded_again_stays_until_the_new_one_is_whole(unconnected, events):
    first, second, gate = large_image(), large_image(1000), Gate(2)
    gate.open()
    with ScriptedServer(parts_of(first, gate), parts_of(second)) as server:
        connect(unconnected, server)
        node = unconnected.load_image("CT")
        unconnected.disconnect()
        connect(unconnected, server)
        events.clear()
        assert unconnected.load_image("CT") is node
    assert np.array_equal(pixels_of(node), second.pixels)
    assert of_type(events, PreviewShown) == []


# What goes wrong


def test_a_transfer_that_is_cut_goes_on_where_it_stopped(unconnected, events):
    image, asked, has_come = large_image(), [], threading.Event()

    def cut_after_two(peer, query, part):
        if len(asked) == 2:
            assert has_come.wait(PATIENCE)
            raise EOFError
        asked.append(query)
        peer.send(part)

    def count(peer, query, part):
        asked.append(query)
        peer.send(part)

    with ScriptedServer(parts_of(image, cut_after_two), parts_of(image, count)) as server:
        preview = begin(unconnected, events, server)
        is_refined = lambda: preview.GetAttribute(PREVIEW).endswith("%")  # noqa: E731
        step_until(unconnected, is_refined, "a finer preview")
        has_come.set()
        finish(unconnected)
        assert server.connections == 2
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)
    # No slice was sent twice.
    slices = [
        k for query in asked[1:] for k in range(query.start[2], query.start[2] + query.size[2])
    ]
    assert sorted(slices) == list(range(SIZE[2]))


def test_a_part_that_is_damaged_on_its_way_is_asked_for_again(unconnected, events):
    image, asked = large_image(), []

    def damage_third(peer, query, part):
        asked.append(query)
        (send_damaged if len(asked) == 3 else send_part)(peer, query, part)

    with ScriptedServer(parts_of(image, damage_third)) as server:
        preview = begin(unconnected, events, server)
        finish(unconnected)
        assert server.connections == 2
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)
    assert preview.GetScene() is None
    # What had come before was not asked for again, and neither was the whole image.
    assert [query.start for query in asked[1:]].count(asked[1].start) == 1
    assert sum(query.size[2] for query in asked[1:]) < 2 * SIZE[2]
    assert of_type(events, ImageFailed) == []


def test_after_reconnecting_to_a_server_without_parts_the_image_comes_as_a_whole(
    unconnected, events
):
    image, has_come = large_image(), threading.Event()

    def cut(peer, query, part):
        if query.tag:
            assert has_come.wait(PATIENCE)
            raise EOFError
        peer.send(part)

    scripts = parts_of(image, cut), parts_of(image, types=["IMGMETA", "IMAGE"])
    with ScriptedServer(*scripts) as server:
        preview = begin(unconnected, events, server)
        has_come.set()
        finish(unconnected)
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)
    assert preview.GetScene() is None
    assert of_type(events, ImagesCancelled) == []


def test_after_reconnecting_to_a_server_that_says_nothing_of_parts_the_image_comes_as_a_whole(
    unconnected, events, monkeypatch
):
    """It answers nothing before it is asked for the image, which is when that has waited enough."""
    image = large_image()

    def cut(peer, query, part):
        if query.tag:
            raise EOFError
        peer.send(part)

    def late(peer):
        asked = []
        while not asked or asked[-1].type_name != "GET_IMAGE":
            asked.append(peer.receive())
        peer.send(codec.ImageMetaMessage(items=[entry_of(image)]))
        peer.send(replace(image, device_name="CT"))
        peer.wait_until_closed()

    monkeypatch.setattr(part_downloads, "SECONDS_FOR_OFFER", 0.05)
    with ScriptedServer(parts_of(image, cut), late) as server:
        connect(unconnected, server)
        unconnected.images.request(["CT"])
        finish(unconnected)
        assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)
        unconnected.disconnect()


def test_an_image_that_has_changed_meanwhile_comes_anew(unconnected, events):
    first, second = large_image(), large_image(1000)

    def cut_after_two(peer, query, part):
        if query.tag and query.start[2] != SIZE[2] // 2:
            raise EOFError
        peer.send(part)

    def only_new(peer, query, part):
        if query.tag == "first":
            refuse(peer, query)
        else:
            peer.send(part)

    scripts = parts_of(first, cut_after_two, "first"), parts_of(second, only_new, "second")
    with ScriptedServer(*scripts) as server:
        preview = begin(unconnected, events, server)
        finish(unconnected)
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), second.pixels)
    assert preview.GetScene() is None
    assert of_type(events, ImageFailed) == []


def test_an_image_that_changes_all_the_time_comes_as_a_whole(unconnected, events):
    """Such as a live one: its parts would never be of one version."""
    image, asked = large_image(), []

    def another_each_time(peer, query, part):
        if query.tag:
            refuse(peer, query)
        else:
            asked.append(query)
            part.tag = str(len(asked))
            peer.send(part)

    with ScriptedServer(parts_of(image, another_each_time)) as server:
        begin(unconnected, events, server)
        finish(unconnected)
    assert len(asked) == 3
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)


def test_parts_without_a_tag_are_not_put_together(unconnected, events):
    """They may be of any image that the server has had under this ID."""
    asked = []

    def without_tag(peer, query, part):
        asked.append(query)
        part.tag = ""
        peer.send(part)

    with ScriptedServer(parts_of(large_image(), without_tag)) as server:
        connect(unconnected, server)
        unconnected.request_images(["CT"])
        finish(unconnected)
    assert len(asked) == 1
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), large_image().pixels)


def test_parts_of_another_patient_than_is_listed_have_no_preview(unconnected, events, monkeypatch):
    listed = replace(part_peers.entry_of(large_image()), patient_id="1", patient_name="Doe")
    monkeypatch.setattr(part_peers, "entry_of", lambda _image: listed)

    def of_roe(peer, _query, part):
        part.header_version, part.metadata = 2, {"PatientID": "2", "PatientName": "Roe"}
        peer.send(part)

    with ScriptedServer(parts_of(large_image(), of_roe)) as server:
        connect(unconnected, server)
        unconnected.request_images(["CT"])
        finish(unconnected)
    assert not of_type(events, PreviewShown)


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda part: setattr(part, "tag", "other"), id="of another version"),
        pytest.param(lambda part: setattr(part, "start", (0, 0, 0)), id="in another place"),
        pytest.param(lambda part: part.matrix.__imul__(2), id="of another geometry"),
        pytest.param(
            lambda part: setattr(part, "image_size", (SIZE[0], SIZE[1], SIZE[2] + 1)),
            id="of a larger image",
        ),
    ],
)
def test_where_parts_lie_the_image_is_fetched_as_a_whole(unconnected, events, lie):
    image = large_image()

    def lie_later(peer, query, part):
        if query.tag:
            part.matrix = part.matrix.copy()
            lie(part)
        peer.send(part)

    with ScriptedServer(parts_of(image, lie_later)) as server:
        preview = begin(unconnected, events, server)
        finish(unconnected)
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)
    assert preview.GetScene() is None


def test_a_server_that_offers_parts_and_refuses_them_is_asked_for_the_image(unconnected, events):
    image = large_image()
    script = parts_of(image, lambda peer, query, _part: refuse(peer, query))
    with ScriptedServer(script) as server:
        connect(unconnected, server)
        node = unconnected.load_image("CT")
    assert np.array_equal(pixels_of(node), image.pixels)


def test_parts_that_never_come_give_way_to_the_whole_image(unconnected, events):
    image = large_image()
    with ScriptedServer(parts_of(image, lambda *_arguments: None)) as server:
        server.only_silence_counts()
        unconnected.connect("127.0.0.1", server.port, answer_timeout=0.3, reconnect_delays=(0.0,))
        unconnected.wait_until_connected()
        unconnected.list_images()
        client = unconnected.connection.client
        step_until(unconnected, lambda: client.offers_parts, "the offer of parts")
        node = unconnected.load_image("CT")
    assert np.array_equal(pixels_of(node), image.pixels)


def test_a_server_that_closes_at_each_part_is_asked_for_the_image_in_the_end(unconnected, events):
    image = large_image()

    def close(*_arguments):
        raise EOFError

    with ScriptedServer(parts_of(image, close)) as server:
        connect(unconnected, server)
        unconnected.request_images(["CT"])
        finish(unconnected)
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)


def test_an_image_that_cannot_be_shown_fails_in_words_once(unconnected, events, scene):
    image = large_image()
    image.matrix = np.zeros((3, 4))
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        unconnected.request_images(["CT"])
        finish(unconnected)
    (failed,) = of_type(events, ImageFailed)
    assert "span no space" in str(failed.error)
    assert volumes(scene) == []


# What the user does meanwhile


def test_hidden_patients_are_not_named_by_previews(unconnected, events):
    gate = Gate(1)
    unconnected.patients.register("Head", "P1")
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(unconnected, events, server)
        unconnected.patients.hide(True)
        assert "Head" not in preview.GetName()
        assert "preview" in preview.GetName()
        gate.open()
        finish(unconnected)


def test_small_images_are_fetched_as_a_whole(browser, events, hospital):
    browser.load_image("MR")
    assert of_type(events, PreviewShown) == []


@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_server_does_an_image_is_of_one_version(unconnected, events, seed):
    """It changes, cuts the connection, refuses, lies, and sends twice, all at random."""
    choices, images = random.Random(seed), [large_image(), large_image(1000)]
    now = [0]

    def respond(peer, query, _part):
        what = choices.choice(["change", "cut", "refuse", "lie", "twice", *5 * ["send"]])
        if what == "change":
            now[0] = 1
        if what == "cut":
            raise EOFError
        tag = f"version {now[0]}"
        if what == "refuse" or query.tag not in ("", tag):
            refuse(peer, query)
            return
        part = part_of(images[now[0]], query, tag)
        if what == "lie":
            part.tag = f"version {1 - now[0]}"
        peer.send(*(2 if what == "twice" else 1) * [part])

    def script(peer):
        parts_of(images[now[0]], respond)(peer)

    with ScriptedServer(script) as server:
        connect(unconnected, server)
        unconnected.request_images(["CT"])
        finish(unconnected)
        node = unconnected.images.node("CT")
    assert any(np.array_equal(pixels_of(node), image.pixels) for image in images)
    assert unconnected.images.in_scene.volumes.preview("CT") is None


def test_over_a_slow_link_a_preview_comes_first(unconnected, events, monkeypatch):
    # A busy machine reads at once what has gathered in buffers meanwhile, and takes the link for a
    # faster one; not for one this fast.
    monkeypatch.setattr(part_downloads, "_SECONDS_WITHOUT_PREVIEW", 0.01)
    # The coarse image is of such a size that it could wait in no buffer of a socket.
    monkeypatch.setattr(link_speed, "_LARGER_THAN_BUFFERS", 100_000)
    with (
        ScriptedServer(parts_of(large_image())) as server,
        ShapedLink(server.port, bits_per_second=50e6) as link,
    ):
        connect(unconnected, link)
        unconnected.load_image("CT")
    first, *_ = of_type(events, PreviewShown)
    assert first.is_first
