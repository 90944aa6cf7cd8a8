"""Large images that come coarse first: cancelled, kept, removed, and left with their server."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.hospital import finish, of_type, step_until
from helpers.part_peers import Gate, begin, large_image, parts_of, pixels_of, volumes
from helpers.peers import ScriptedServer
from IGTLMetaBrowserLib.browser.events import ImagesCancelled, ImageStatus

PREVIEW = "IGTLMetaBrowser.Preview"
pytestmark = pytest.mark.usefixtures("previews_at_once")


def test_cancelling_removes_the_preview(unconnected, events):
    gate = Gate(2)
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(unconnected, events, server)
        unconnected.images.cancel()
        assert preview.GetScene() is None
        assert unconnected.images.states.of("CT").status is ImageStatus.CANCELLED
        gate.open()


def test_a_preview_that_is_kept_goes_on_where_it_was_cancelled(unconnected, events):
    image, gate, asked = large_image(), Gate(2), []

    def note(peer, query, part):
        asked.append(query)
        gate(peer, query, part)

    unconnected.images.downloads.parts.keeps_previews = True
    with ScriptedServer(parts_of(image, note)) as server:
        preview = begin(unconnected, events, server)
        is_refined = lambda: preview.GetAttribute(PREVIEW).endswith("%")  # noqa: E731
        step_until(unconnected, is_refined, "a finer preview")
        unconnected.images.cancel()
        assert preview.GetScene() is not None
        assert preview.GetHideFromEditors()
        gate.open()
        unconnected.request_images(["CT"])
        finish(unconnected)
    assert np.array_equal(pixels_of(unconnected.images.node("CT")), image.pixels)
    assert preview.GetScene() is None
    assert sum(not query.tag for query in asked) == 1  # nothing begins anew


def test_a_preview_can_be_removed_while_it_arrives_and_when_it_was_kept(unconnected, events, scene):
    gate = Gate(2)
    unconnected.images.downloads.parts.keeps_previews = True
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        begin(unconnected, events, server)
        unconnected.images.remove_previews(["CT"])
        assert unconnected.images.states.of("CT").status is ImageStatus.CANCELLED
        assert volumes(scene) == []
        gate.open()


def test_removing_the_preview_ends_the_transfer(unconnected, events, scene):
    gate = Gate(2)
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(unconnected, events, server)
        scene.RemoveNode(preview)
        assert unconnected.images.states.of("CT").status is ImageStatus.CANCELLED
        assert of_type(events, ImagesCancelled) == [ImagesCancelled(["CT"])]
        gate.open()
        unconnected.list_images()
    assert volumes(scene) == []


def test_closing_the_scene_ends_the_transfer_and_the_image_can_be_loaded_again(
    unconnected, events, scene
):
    image, gate = large_image(), Gate(2)
    unconnected.images.downloads.parts.keeps_previews = True
    with ScriptedServer(parts_of(image, gate)) as server:
        begin(unconnected, events, server)
        scene.Clear(False)
        assert volumes(scene) == []
        gate.open()
        node = unconnected.load_image("CT")
    assert np.array_equal(pixels_of(node), image.pixels)


def test_leaving_the_server_ends_the_transfer(unconnected, events, scene):
    gate = Gate(2)
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        begin(unconnected, events, server)
        unconnected.disconnect()
        gate.open()
    assert volumes(scene) == []
