"""A server that numbers its images goes on with the next patient, who gets nothing of the last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer

from browser.test_browser_list import ITEM
from helpers.hospital import parents, step_until, step_until_event
from helpers.peers import TRAJECTORY, Peer, Script, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.errors import BrowserError
from IGTLMetaBrowserLib.browser.events import ImageStatus, LabelMapsListed, PointsShown

SIZE = (4, 3, 2)


def numbering(patient: str, plans: list[str]) -> Script:
    """Script: one image, a label map, points named for the patient, and these trajectories."""
    item = replace(ITEM, id="0", name="Head", patient_id=patient, patient_name=patient, size=SIZE)
    labels = codec.ImageMessage.from_ijk_to_ras(np.ones(SIZE[::-1], np.uint8), np.eye(4))
    answers: dict[str, codec.Message] = {
        "GET_IMGMETA": codec.ImageMetaMessage(items=[item]),
        "GET_TRAJ": codec.TrajectoryMessage(
            items=[replace(TRAJECTORY, name=name, owner="0") for name in plans]
        ),
        "GET_LBMETA": codec.LabelMetaMessage(
            items=[codec.LabelMetaItem("Tumor", "L", 1, (255, 0, 0, 255), SIZE, "0")]
        ),
        "GET_POINT": codec.PointMessage(
            items=[codec.PointItem(patient, patient, position=(1.0, 2.0, 3.0), owner="0")]
        ),
    }

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMAGE":
                image = labels if query.device_name == "L" else make_image(1, SIZE)
                peer.send(replace(image, device_name=query.device_name))
            elif query.type_name in answers:
                peer.send(answers[query.type_name])

    return serve


def nodes_of(scene: slicer.vtkMRMLScene, patient: str) -> dict[str, bool]:
    """Which markups and label maps stand under a patient, and whether they are visible."""
    nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    return {
        node.GetName(): bool(node.GetDisplayVisibility())
        for node in nodes
        if node.IsA("vtkMRMLMarkupsNode") or node.IsA("vtkMRMLLabelMapVolumeNode")
        if patient in parents(node)
    }


def test_what_belongs_to_an_image_does_not_go_over_to_the_next_patients(
    unconnected: Browser, scene: slicer.vtkMRMLScene, events: list
):
    def get_all(count: int) -> None:
        unconnected.list_images()
        unconnected.overlays.request_label_maps()
        step_until_event(unconnected, events, LabelMapsListed, count)
        unconnected.overlays.request_points()
        step_until_event(unconnected, events, PointsShown, count)
        unconnected.load_trajectories()

    with ScriptedServer(numbering("Smith", ["A", "B"]), numbering("Jones", ["A"])) as server:
        unconnected.connect(server.host, server.port)
        get_all(1)
        unconnected.load_image("0")
        unconnected.load_image("L")
        assert nodes_of(scene, "Smith") == {"A": True, "B": True, "Smith": True, "Tumor": True}
        unconnected.connect(server.host, server.port)
        get_all(2)
        # As long as his image is there, so is what belongs to it.
        assert nodes_of(scene, "Smith") == {"A": True, "B": True, "Smith": True, "Tumor": True}
        assert unconnected.images.state("L").status is ImageStatus.NOT_LOADED
        unconnected.load_image("0")
        step_until(unconnected, lambda: nodes_of(scene, "Jones"), "the plan of Jones")
        assert nodes_of(scene, "Jones") == {"A": True, "Jones": True}
        assert nodes_of(scene, "Smith") == {"A": False, "B": False, "Smith": False, "Tumor": False}
        unconnected.load_image("L")
        assert nodes_of(scene, "Jones")["Tumor"]
        unconnected.disconnect()


def test_a_label_map_that_comes_after_the_connection_was_lost(unconnected: Browser):
    """At once, so that the lists are young: it would be drawn in the image of before."""
    smith, jones = numbering("Smith", []), numbering("Jones", [])

    def leave(peer: Peer) -> None:
        smith(LeavingAtLabels(peer))

    class LeavingAtLabels:
        def __init__(self, peer: Peer) -> None:
            self.send, self._peer = peer.send, peer

        def receive(self) -> codec.Message:
            query = self._peer.receive()
            if query.device_name == "L":
                raise EOFError
            return query

    with ScriptedServer(leave, jones) as server:
        unconnected.connect(server.host, server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        query = unconnected.overlays.request_label_maps()
        step_until(unconnected, lambda: query.is_done, "the label maps")
        unconnected.load_image("0")
        with pytest.raises(BrowserError, match="its image is another one now"):
            unconnected.load_image("L")
        unconnected.disconnect()
