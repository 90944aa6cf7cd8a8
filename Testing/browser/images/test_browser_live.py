"""Images that a server sends by itself: each has a volume, which is kept up to date."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest
import slicer

from helpers.hospital import finish, listing, of_type, parents, step_until, step_until_event, voxels
from helpers.live_frames import ask_for_next, frame, stream
from helpers.peers import ITEM, Peer, Script, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.events import (
    Failed,
    ImageLoaded,
    ImageState,
    ImageStatus,
    LiveImage,
    NodeRemoved,
    TrajectoriesShown,
)
from IGTLMetaBrowserLib.browser.images import live_images
from IGTLMetaBrowserLib.browser.images.live_images import MOST_LIVE_IMAGES
from IGTLMetaBrowserLib.scene.server_nodes.attributes import TIMESTAMP_ATTRIBUTE


@pytest.mark.parametrize("name", ["Ultrasound", ""], ids=["named", "without a name"])
def test_a_streamed_image_has_a_volume_that_is_kept_up_to_date(unconnected, events, name):
    before = datetime.now(timezone.utc)
    with ScriptedServer(stream(frame(1, name), frame(50, name))) as server:
        unconnected.connect("127.0.0.1", server.port)
        first = step_until_event(unconnected, events, LiveImage)
        assert voxels(first.node) == [1, 2, 3]
        assert unconnected.images.node(name) is first.node
        first.node.GetDisplayNode().SetWindowLevel(77, 7)
        ask_for_next(unconnected)
        second = step_until_event(unconnected, events, LiveImage, 2)
        assert second.node is first.node
        assert (first.frames, second.frames) == (1, 2)
        assert voxels(second.node) == [50, 51, 52]
        assert second.node.GetDisplayNode().GetWindow() == 77
        live = unconnected.images.live.states[name]
        assert before < live.last_at <= datetime.now(timezone.utc)
        assert (live.node, live.frames) == (first.node, 2)
        assert unconnected.images.states.of(name) == ImageState(ImageStatus.LOADED)
        unconnected.disconnect()
    assert unconnected.images.live.states == {}
    assert of_type(events, ImageLoaded) == []


def test_the_node_of_a_stream_that_the_window_draws_is_modified_when_it_has_ended(
    unconnected, events, monkeypatch
):
    monkeypatch.setattr(live_images, "SECONDS_BETWEEN_EVENTS", math.inf)
    images, frames = unconnected.images, [frame(1), *(frame(10 * n) for n in range(1, 4))]
    frames[-1].timestamp = codec.Timestamp.from_seconds(1.7e9)
    with ScriptedServer(stream(*frames)) as server:
        unconnected.connect("127.0.0.1", server.port)
        node = step_until_event(unconnected, events, LiveImage).node
        images.live.set_drawn_ids({"Ultrasound"})
        seen = []
        for name in ("ModifiedEvent", node.ImageDataModifiedEvent):
            node.AddObserver(name, lambda _node, event: seen.append(event))
        for number in (2, 3, 4):
            ask_for_next(unconnected)
            step_until_event(unconnected, events, LiveImage, number)
            assert voxels(node)[0] == 10 * (number - 1)
        assert seen.count("ModifiedEvent") == 0
        assert len(seen) == 3
        assert node.GetAttribute(TIMESTAMP_ATTRIBUTE) is None
        images.live.set_drawn_ids(())
        assert seen.count("ModifiedEvent") == 1
        assert node.GetAttribute(TIMESTAMP_ATTRIBUTE).startswith("2023-11-14")


def test_what_is_known_of_a_live_image_comes_from_its_message(unconnected, events):
    taken = codec.Timestamp.from_seconds(1.7e9)
    metadata = {"Modality": "US", "PatientName": "Doe", "PatientID": "P9"}
    told = frame(1, header_version=2, metadata=metadata, timestamp=taken)
    with ScriptedServer(stream(told)) as server:
        unconnected.connect("127.0.0.1", server.port)
        node = step_until_event(unconnected, events, LiveImage).node
        assert unconnected.images.live.states["Ultrasound"].entry == codec.ImageMetaItem(
            name="Ultrasound",
            id="Ultrasound",
            modality="US",
            patient_name="Doe",
            patient_id="P9",
            scan_time=taken,
            size=(4, 3, 2),
            scalar_type=codec.ScalarType.UINT16,
        )
        assert node.GetName() == "Ultrasound"
        assert node.GetAttribute("DICOM.Modality") == "US"
        assert parents(node) == ["Doe"]
        unconnected.disconnect()


def test_the_next_patient_does_not_go_on_under_the_name_of_the_one_before(unconnected, events):
    frames = [
        frame(shade, header_version=2, metadata={"PatientName": name, "PatientID": name[:1]})
        for shade, name in ((1, "Doe"), (2, ""), (3, "Roe"))
    ]
    with ScriptedServer(stream(*frames)) as server:
        unconnected.connect("127.0.0.1", server.port)
        node = step_until_event(unconnected, events, LiveImage).node
        unconnected.images.live.set_drawn_ids({"Ultrasound"})
        for number, name in ((2, "Doe"), (3, "Roe")):
            ask_for_next(unconnected)
            step_until_event(unconnected, events, LiveImage, number)
            assert parents(node) == [name]
        assert voxels(node)[0] == 3
        unconnected.disconnect()


def streaming_one_patient(name: str, shade: int, last_query: str = "") -> Script:
    """Script: list an image of a patient, and send it unasked as points are asked for."""

    def script(peer: Peer) -> None:
        while (query := peer.receive().type_name) != last_query:
            if query == "GET_IMGMETA":
                peer.send(listing(replace(ITEM, id="US", patient_name=name, patient_id=name)))
            elif query == "GET_POINT":
                peer.send(frame(shade, "US"))

    return script


def test_nor_where_only_the_list_says_whose_they_are(unconnected, events, sequences):
    """Given a server of version 1, which was started again."""
    smith = streaming_one_patient("Smith", 1, last_query="GET_TRAJ")
    with ScriptedServer(smith, streaming_one_patient("Jones", 2)) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        unconnected.overlays.request_points()
        node = step_until_event(unconnected, events, LiveImage).node
        assert (voxels(node)[0], parents(node)) == (1, ["Smith"])
        recording = unconnected.images.recordings.start("US")
        unconnected.trajectories.request()
        step_until(unconnected, lambda: server.connections == 2, "the next connection")
        unconnected.wait_until_connected()
        unconnected.list_images()
        unconnected.overlays.request_points()
        step_until_event(unconnected, events, LiveImage, 2)
        assert (voxels(node)[0], parents(node)) == (2, ["Jones"])
        assert "of another patient" in recording.problem
        unconnected.disconnect()


def test_around_a_part_of_the_next_patients_image_nothing_of_the_one_before_stays(
    unconnected, events
):
    frames = [
        frame(1, header_version=2, metadata={"PatientID": "1"}),
        replace(
            make_image(9, (4, 3, 1)),
            device_name="Ultrasound",
            size=(4, 3, 2),
            offset=(0, 0, 1),
            matrix=frame(1).matrix,
            header_version=2,
            metadata={"PatientID": "2"},
        ),
    ]
    with ScriptedServer(stream(*frames)) as server:
        unconnected.connect("127.0.0.1", server.port)
        node = step_until_event(unconnected, events, LiveImage).node
        ask_for_next(unconnected)
        step_until_event(unconnected, events, LiveImage, 2)
        pixels = slicer.util.arrayFromVolume(node)
        assert not pixels[0].any()
        assert pixels[1].any()
        unconnected.disconnect()


def test_of_frames_that_come_faster_than_they_can_be_shown_the_newest_is(unconnected, events):
    count = 500
    flood = b"".join(codec.pack(frame(number)) for number in range(1, count + 1))
    with ScriptedServer(stream(frame(0), flood)) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        ask_for_next(unconnected)
        live = unconnected.images.live.states
        step_until(unconnected, lambda: live["Ultrasound"].frames == count + 1, "all frames")
        assert voxels(unconnected.images.node("Ultrasound")) == [500, 501, 502]
        unconnected.disconnect()
    shown = of_type(events, LiveImage)
    assert len(shown) < count / 2
    assert [event.frames for event in shown] == sorted({event.frames for event in shown})


def test_parts_of_a_streamed_image_all_go_into_its_voxels(unconnected, events):
    whole = make_image(1, (4, 3, 3))

    def part(k):
        pixels = whole.pixels[k : k + 1]
        fields = {"size": (4, 3, 3), "offset": (0, 0, k), "device_name": "Ultrasound"}
        return codec.pack(codec.ImageMessage(pixels, whole.matrix, **fields))

    with ScriptedServer(stream(part(0), part(1) + part(2))) as server:
        unconnected.connect("127.0.0.1", server.port)
        node = step_until_event(unconnected, events, LiveImage).node
        memory = slicer.util.arrayFromVolume(node)
        assert memory.ravel().tolist() == [*range(1, 13), *[0] * 24]
        ask_for_next(unconnected)
        step_until_event(unconnected, events, LiveImage, 3)
        assert np.shares_memory(memory, slicer.util.arrayFromVolume(node))
        assert memory.ravel().tolist() == list(range(1, 37))
        unconnected.disconnect()


def test_a_live_volume_that_the_user_deletes_stays_away_until_it_is_loaded(
    unconnected, events, scene
):
    def serve(peer):
        peer.send(frame(1))
        assert peer.receive().type_name == "GET_TRAJ"
        peer.send(frame(2))
        assert peer.receive().type_name == "GET_IMAGE"
        peer.send(frame(3))
        assert peer.receive().type_name == "GET_TRAJ"
        peer.send(frame(4))
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        scene.RemoveNode(step_until_event(unconnected, events, LiveImage).node)
        assert of_type(events, NodeRemoved)[0].image_ids == ["Ultrasound"]
        assert unconnected.images.live.states["Ultrasound"].node is None
        ask_for_next(unconnected)
        assert step_until_event(unconnected, events, LiveImage, 2).node is None
        assert unconnected.images.node("Ultrasound") is None
        assert unconnected.images.states.of("Ultrasound").status is ImageStatus.NOT_LOADED
        unconnected.request_images(["Ultrasound"])
        finish(unconnected)
        assert voxels(unconnected.images.node("Ultrasound")) == [3, 4, 5]
        ask_for_next(unconnected)
        assert step_until_event(unconnected, events, LiveImage, 3).frames == 3
        assert voxels(unconnected.images.node("Ultrasound")) == [4, 5, 6]
        unconnected.disconnect()


def test_in_a_new_scene_a_live_image_gets_a_new_volume(unconnected, events, scene):
    with ScriptedServer(stream(frame(1), frame(2))) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        scene.Clear()
        assert unconnected.images.live.states == {}
        ask_for_next(unconnected)
        again = step_until_event(unconnected, events, LiveImage, 2)
        assert again.node.GetScene() is scene
        assert again.frames == 1
        unconnected.disconnect()


def test_a_live_image_that_cannot_be_shown_is_told_once(unconnected, events):
    bad = frame(1)
    bad.matrix = np.full((3, 4), np.nan)
    with ScriptedServer(stream(frame(1), bad, bad, bad, frame(5))) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        ask_for_next(unconnected)
        step_until_event(unconnected, events, Failed)
        for _ in range(3):
            ask_for_next(unconnected)
        step_until_event(unconnected, events, LiveImage, 2)
        assert voxels(unconnected.images.node("Ultrasound")) == [5, 6, 7]
        unconnected.disconnect()
    (failed,) = of_type(events, Failed)
    assert "the live image 'Ultrasound' cannot be shown: the image's geometry" in str(failed.error)


def test_a_server_that_invents_names_does_not_fill_the_memory(unconnected, events, scene):
    many = [codec.pack(frame(1, f"Image {number}")) for number in range(3 * MOST_LIVE_IMAGES)]
    end = codec.pack(codec.TrajectoryMessage())
    with ScriptedServer(stream(b"".join([*many, end]))) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, TrajectoriesShown)
        assert len(unconnected.images.live.states) == MOST_LIVE_IMAGES
        unconnected.disconnect()
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == MOST_LIVE_IMAGES
    (failed,) = of_type(events, Failed)
    assert "images under more than 64 names" in str(failed.error)


@pytest.mark.parametrize("part", [slice(None), slice(1)], ids=["whole", "a voxel of each"])
def test_live_images_are_limited_by_their_bytes(unconnected, events, scene, monkeypatch, part):
    """Around a part of one voxel a volume has to be made: it counts as the image that it is of."""
    one = make_image(1).pixels.nbytes
    monkeypatch.setattr("IGTLMetaBrowserLib.browser.images.live_images.MOST_LIVE_BYTES", 3 * one)
    images = (frame(1, f"Image {number}") for number in range(5))
    many = [
        codec.pack(replace(image, pixels=image.pixels[part, part, part], size=image.whole_size))
        for image in images
    ]
    end = codec.pack(codec.TrajectoryMessage())
    with ScriptedServer(stream(b"".join([*many, end]))) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, TrajectoriesShown)
        assert list(unconnected.images.live.states) == ["Image 0", "Image 1", "Image 2"]
        unconnected.disconnect()
    (failed,) = of_type(events, Failed)
    assert "MiB together" in str(failed.error)
