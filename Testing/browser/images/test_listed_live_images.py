"""Images that a server sends by itself, under names that are in its lists as well."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from helpers.hospital import listing, of_type, step_until, step_until_event, voxels
from helpers.live_frames import ask_for_next, frame, stream
from helpers.peers import Peer, Script, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.events import (
    Failed,
    LabelMapsListed,
    LiveImage,
)
from IGTLMetaBrowserLib.net.list_metadata.identity import SERVER


def test_a_live_image_of_another_patient_than_is_listed_is_not_shown(unconnected, events):
    entry = codec.ImageMetaItem("Ultrasound", "Ultrasound", "US", "Doe", "D")

    live = frame(1, header_version=2, metadata={"PatientName": "Roe", "PatientID": "R"})

    def serve(peer):
        for pushed in ([], [live]):
            peer.receive()
            peer.send(listing(entry), *pushed)
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        unconnected.list_images()
        problem = step_until_event(unconnected, events, Failed).error
        assert "of another patient than the list says" in str(problem)
        assert unconnected.images.node("Ultrasound") is None
        unconnected.disconnect()


def test_a_streamed_image_that_is_in_the_list_updates_its_own_node(unconnected, events):
    entry = codec.ImageMetaItem(
        "Head", "MR", "MR", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16
    )

    def serve(peer):
        peer.receive()
        peer.send(listing(entry))
        peer.receive()
        peer.send(frame(1, "MR"))
        peer.send(frame(60, "MR"))
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        node = unconnected.load_image("MR")
        live = step_until_event(unconnected, events, LiveImage)
        assert live.node is node
        assert voxels(node) == [60, 61, 62]
        assert node.GetName() == "Head"
        assert unconnected.images.states.of("MR").notes == ()
        unconnected.disconnect()


def test_a_stream_under_the_name_of_a_loaded_image_does_not_replace_it(unconnected, events):
    entry = codec.ImageMetaItem(
        "Head", "MR", "MR", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16
    )
    live = replace(make_image(60, (8, 8, 1)), device_name="MR")

    def serve(peer):
        peer.receive()
        peer.send(listing(entry))
        peer.receive()
        peer.send(frame(1, "MR"), live, live, frame(5))
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        node = unconnected.load_image("MR")
        step_until_event(unconnected, events, LiveImage)
        assert voxels(node) == [1, 2, 3]
        assert list(unconnected.images.live.states) == ["Ultrasound"]
        unconnected.disconnect()
    (failed,) = of_type(events, Failed)
    assert "'MR' of 8 × 8 × 1 voxels, uint16 came" in str(failed.error)


def test_a_stream_that_has_only_the_name_of_a_listed_image_is_not_shown_as_that(
    unconnected, events
):
    entry = codec.ImageMetaItem(
        "Head", "MR", "MR", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16
    )
    other = replace(make_image(60, (8, 8, 1)), device_name="MR")

    def serve(peer):
        for pushed in ([], [other, frame(5)]):
            peer.receive()
            peer.send(listing(entry), *pushed)
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        for _ in range(2):
            unconnected.list_images()
        step_until_event(unconnected, events, LiveImage)
        assert list(unconnected.images.live.states) == ["Ultrasound"]
        assert unconnected.images.node("MR") is None
        unconnected.disconnect()
    (failed,) = of_type(events, Failed)
    assert "'MR' of 8 × 8 × 1 voxels, uint16 came" in str(failed.error)


def test_a_stream_does_not_answer_what_was_asked_for(unconnected, events):
    def serve(peer):
        peer.send(frame(1))
        peer.receive()
        peer.send(frame(2), frame(3), frame(9, "MR"), frame(4))
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        assert voxels(unconnected.load_image("MR")) == [9, 10, 11]
        step_until(
            unconnected,
            lambda: unconnected.images.live.states["Ultrasound"].frames == 4,
            "all frames",
        )
        assert voxels(unconnected.images.node("Ultrasound")) == [4, 5, 6]
        unconnected.disconnect()


def test_a_stream_under_the_name_of_a_frame_leaves_the_volume_of_its_series_alone(
    unconnected, events, scene, sequences
):
    ids = ["F0", "F1"]
    series = {image_id: make_image(10 * number) for number, image_id in enumerate(ids)}
    values = json.dumps({"name": "time", "unit": "s", "values": ["0", "1"]})
    with ScriptedServer(serve_series(series, {"F0/sequence": values})) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        replayed = unconnected.load_sequence("F0")
        shown = replayed.GetProxyNode(replayed.GetMasterSequenceNode())
        ask_for_next(unconnected)
        live = step_until_event(unconnected, events, LiveImage).node
        assert live is not shown
        scene.RemoveNode(live)
        ask_for_next(unconnected)
        assert step_until_event(unconnected, events, LiveImage, 2).node is None
        assert voxels(shown) == [0, 1, 2]
        unconnected.disconnect()


def serve_series(images: dict[str, codec.ImageMessage], metadata: dict[str, str]) -> Script:
    """Script: a series, of which the second image is also streamed whenever TRAJ is asked for."""
    items = [
        codec.ImageMetaItem(image_id, image_id, size=(4, 3, 2), scalar_type=5)
        for image_id in images
    ]

    def script(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                told = {**SERVER, **metadata}
                peer.send(codec.ImageMetaMessage(items, header_version=2, metadata=told))
            elif query.type_name == "GET_IMAGE":
                peer.send(replace(images[query.device_name], device_name=query.device_name))
            elif query.type_name == "GET_CAPABIL":
                peer.send(codec.CapabilityMessage(types=["GET_IMGMETA", "GET_IMAGE"]))
            elif query.type_name == "GET_TRAJ":
                peer.send(frame(77, [*images][1]))

    return script


def test_a_stream_goes_on_that_the_server_calls_a_label_map_no_more(unconnected, events):
    labels = np.zeros((2, 3, 4), np.uint8)
    labels[0] = 1
    pictures = [codec.ImageMessage(labels, device_name="Skull") for _ in range(2)]
    listed = codec.LabelMetaMessage([codec.LabelMetaItem("Skull", "Skull", 1)])
    with ScriptedServer(stream(listed, pictures[0], codec.LabelMetaMessage([]), pictures[1])) as s:
        unconnected.connect("127.0.0.1", s.port)
        step_until_event(unconnected, events, LabelMapsListed)
        ask_for_next(unconnected)
        assert step_until_event(unconnected, events, LiveImage).node.IsA(
            "vtkMRMLLabelMapVolumeNode"
        )
        ask_for_next(unconnected)
        step_until_event(unconnected, events, LabelMapsListed, 2)
        ask_for_next(unconnected)
        node = step_until_event(unconnected, events, LiveImage, 2).node
        assert node.GetClassName() == "vtkMRMLScalarVolumeNode"
        unconnected.disconnect()
