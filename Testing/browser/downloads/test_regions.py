"""Regions of images: only the voxels in a ROI node are fetched, into a volume of its own."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from helpers.hospital import of_type, step_until, step_until_event
from helpers.part_peers import (
    large_image,
    parts_of,
    pixels_of,
    refuse,
    send_damaged,
    send_part,
)
from helpers.peers import ScriptedServer
from helpers.roi_nodes import SIZE, START, roi_around
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.browser.errors import BrowserError
from IGTLMetaBrowserLib.browser.events import Asked, ImageStatus, RegionFailed, RegionLoaded
from IGTLMetaBrowserLib.net.client import parts_transfer
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images.outgoing_volumes import ijk_to_world
from IGTLMetaBrowserLib.scene.images.roi_boxes import roi_corners


def connect(browser, server):
    browser.connect("127.0.0.1", server.port, reconnect_delays=(0.0,))
    browser.wait_until_connected()


def cut(_peer, _query, _part):
    """End the connection."""
    raise EOFError


def expected_pixels(image):
    i, j, k = (slice(first, first + count) for first, count in zip(START, SIZE, strict=True))
    return image.pixels[k, j, i]


def test_a_region_becomes_a_volume_of_its_own_where_it_lies(unconnected, events, scene):
    image = large_image()
    roi = roi_around(scene, image)
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        node = unconnected.load_region("CT", roi)
    assert np.array_equal(pixels_of(node), expected_pixels(image))
    first_voxel = image.ijk_to_ras() @ (*START, 1)
    assert np.allclose(ijk_to_world(node)[:3, 3], first_voxel[:3], atol=1e-4)
    assert np.allclose(ijk_to_world(node)[:, :3], image.ijk_to_ras()[:, :3], atol=1e-5)
    assert node.GetName() == "Head (region)"
    assert (node.GetHideFromEditors(), node.GetSaveWithScene()) == (0, 1)
    assert of_type(events, RegionLoaded) == [RegionLoaded("CT", node)]


def test_a_region_is_not_taken_for_the_image(unconnected, scene):
    image = large_image()
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        region = unconnected.load_region("CT", roi_around(scene, image))
        assert unconnected.images.node("CT") is None
        assert unconnected.images.states.of("CT").status is ImageStatus.NOT_LOADED
        assert region.GetAttribute("IGTLMetaBrowser.ImageId") is None
        assert region.GetAttribute("IGTLMetaBrowser.RegionOf") == "CT"
        whole = unconnected.load_image("CT")
        assert whole is not region
        unconnected.disconnect()
        connect(unconnected, server)
        unconnected.list_images()
        assert unconnected.images.node("CT") is whole
    assert region.GetScene() is scene


def test_the_same_region_comes_into_the_same_volume(unconnected, scene):
    image = large_image()
    roi = roi_around(scene, image)
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        node = unconnected.load_region("CT", roi)
        assert unconnected.load_region("CT", roi) is node
        roi.SetSize(3, 3, 3)
        assert unconnected.load_region("CT", roi) is not node


def test_a_region_that_the_user_has_edited_stays_beside_a_new_one(unconnected, scene):
    image = large_image()
    roi = roi_around(scene, image)
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        edited = unconnected.load_region("CT", roi)
        slicer.util.arrayFromVolume(edited)[:] = 0
        slicer.util.arrayFromVolumeModified(edited)
        again = unconnected.load_region("CT", roi)
        assert unconnected.load_region("CT", roi) is again
    assert not pixels_of(edited).any()
    assert np.array_equal(pixels_of(again), expected_pixels(image))


def test_after_ctrl_c_in_one_region_another_is_not_taken_for_it(unconnected, scene):
    def interrupt(_event):
        unconnected.remove_observer(interrupt)
        raise KeyboardInterrupt

    image = large_image()
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        unconnected.list_images()
        unconnected.connection.client.find_capability()
        unconnected.add_observer(interrupt, Asked)
        with pytest.raises(KeyboardInterrupt):
            unconnected.load_region("CT", roi_around(scene, image, (0, 0, 0), (5, 5, 5)))
        node = unconnected.load_region("CT", roi_around(scene, image))
    assert np.array_equal(pixels_of(node), expected_pixels(image))


def test_a_region_of_a_calibrated_image_lies_as_in_the_image(unconnected, scene):
    image = large_image()
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        unconnected.list_images()
        whole = unconnected.load_image("CT")
        unconnected.metadata.calibrate("CT", (1.0, 2.0))
        roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
        corner = ijk_to_world(whole) @ (*START, 1)
        roi.SetCenter(*corner[:3])
        roi.SetSize(9, 9, 9)
        node = unconnected.load_region("CT", roi)
    to_ijk = np.linalg.inv(ijk_to_world(whole)) @ ijk_to_world(node)
    i, j, k = to_ijk[:3, 3].round().astype(int)
    assert np.allclose(to_ijk, [[1, 0, 0, i], [0, 1, 0, j], [0, 0, 1, k], [0, 0, 0, 1]], atol=1e-4)
    pixels = pixels_of(node)
    nk, nj, ni = pixels.shape
    assert np.array_equal(pixels, image.pixels[k : k + nk, j : j + nj, i : i + ni])


def test_a_region_beside_the_image_is_refused_in_words(unconnected, scene):
    image = large_image()
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenter(900, 900, 900)
    roi.SetSize(5, 5, 5)
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        with pytest.raises(SceneError, match="no voxels in the region"):
            unconnected.load_region("CT", roi)


def test_a_server_without_parts_says_what_to_do(browser, scene):
    roi = roi_around(scene, large_image())
    browser.connection.client.find_capability()
    with ScriptedServer(parts_of(large_image(), types=["IMGMETA", "IMAGE"])) as server:
        connect(browser, server)
        with pytest.raises(BrowserError, match="Crop Volume"):
            browser.load_region("CT", roi)


def test_an_image_that_changes_in_the_middle_comes_anew(unconnected, scene):
    image, tags = large_image(), []

    def change_once(peer, query, part):
        tags.append(query.tag)
        if query.tag and len(tags) == 2:
            refuse(peer, query)
        else:
            peer.send(part)

    with ScriptedServer(parts_of(image, change_once)) as server:
        connect(unconnected, server)
        node = unconnected.load_region("CT", roi_around(scene, image))
    assert np.array_equal(pixels_of(node), expected_pixels(image))
    assert tags.count("") == 2  # it asks anew what there is, and only then for the rest of it


@pytest.mark.parametrize("end", [cut, send_damaged], ids=["cut", "damaged"])
def test_a_region_goes_on_where_it_stopped_over_the_next_connection(
    unconnected, events, scene, monkeypatch, end
):
    monkeypatch.setattr(parts_transfer, "_FIRST_SLAB_BYTES", 10 * 1200)
    image, asked = large_image(), []

    def end_third(peer, query, part):
        asked.append(query)
        (end if len(asked) == 3 else send_part)(peer, query, part)

    with ScriptedServer(parts_of(image, end_third)) as server:
        connect(unconnected, server)
        node = unconnected.load_region("CT", roi_around(scene, image))
        assert server.connections == 2
    assert np.array_equal(pixels_of(node), expected_pixels(image))
    assert [query.tag for query in asked].count("") == 1
    assert [query.start for query in asked].count(asked[1].start) == 1  # what had come is kept
    assert of_type(events, RegionFailed) == []


def test_a_region_that_has_changed_while_there_was_no_connection_comes_anew(
    unconnected, scene, monkeypatch
):
    monkeypatch.setattr(parts_transfer, "_FIRST_SLAB_BYTES", 10 * 1200)
    before, now = large_image(), large_image(1000)

    def cut_after_first_slab(peer, query, part):
        if query.tag and query.start[2] != START[2] + SIZE[2] // 2:
            raise EOFError
        peer.send(part)

    def only_new(peer, query, part):
        if query.tag == "before":
            refuse(peer, query)
        else:
            peer.send(part)

    scripts = parts_of(before, cut_after_first_slab, "before"), parts_of(now, only_new, "now")
    with ScriptedServer(*scripts) as server:
        connect(unconnected, server)
        node = unconnected.load_region("CT", roi_around(scene, before))
    assert np.array_equal(pixels_of(node), expected_pixels(now))


def test_a_region_fails_in_words_if_the_server_sends_no_parts_any_more(unconnected, scene):
    def cut_rest(peer, query, part):
        (cut if query.tag else send_part)(peer, query, part)

    image = large_image()
    scripts = parts_of(image, cut_rest), parts_of(image, types=["IMGMETA", "IMAGE"])
    with ScriptedServer(*scripts) as server:
        connect(unconnected, server)
        with pytest.raises(BrowserError, match="Crop Volume"):
            unconnected.load_region("CT", roi_around(scene, image))
        assert not unconnected.images.regions.is_loading


def test_a_region_that_is_cut_again_and_again_fails_in_words(unconnected, scene):
    def cut_rest(peer, query, part):
        (cut if query.tag else send_part)(peer, query, part)

    image = large_image()
    with ScriptedServer(parts_of(image, cut_rest)) as server:
        connect(unconnected, server)
        with pytest.raises(net.NetworkError):
            unconnected.load_region("CT", roi_around(scene, image))
        assert not unconnected.images.regions.is_loading


def test_cancelling_ends_regions_as_well(unconnected, events, scene):
    image = large_image()
    with ScriptedServer(parts_of(image, lambda *_arguments: None)) as server:
        connect(unconnected, server)
        unconnected.list_images()
        client = unconnected.connection.client
        step_until(unconnected, lambda: client.offers_parts, "the offer of parts")
        unconnected.images.regions.request("CT", roi_corners(roi_around(scene, image)))
        unconnected.images.cancel()
        assert isinstance(of_type(events, RegionFailed)[0].error, net.CancelledError)
        assert not unconnected.images.is_loading


def test_two_regions_come_one_after_the_other(unconnected, events, scene):
    image = large_image()
    first, second = roi_around(scene, image), roi_around(scene, image, (0, 0, 0), (5, 5, 5))
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        unconnected.list_images()
        client = unconnected.connection.client
        step_until(unconnected, lambda: client.offers_parts, "the offer of parts")
        for roi in (first, second):
            unconnected.images.regions.request("CT", roi_corners(roi))
        last = step_until_event(unconnected, events, RegionLoaded, count=2)
    assert np.array_equal(pixels_of(last.node), image.pixels[:5, :5, :5])
