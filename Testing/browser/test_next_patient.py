"""A server that numbers its images goes on with the next patient, who gets nothing of the last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer

from helpers.halved_images import HALVED, lower_half, volume_values
from helpers.hospital import of_type, parents, step_until, step_until_event
from helpers.peers import ITEM, TRAJECTORY, Peer, Script, ScriptedServer, make_image
from helpers.saved_scene import load_scene, save_scene
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.errors import BrowserError
from IGTLMetaBrowserLib.browser.events import (
    Failed,
    ImageFailed,
    ImageLoaded,
    ImageStatus,
    LabelMapsListed,
    PointsShown,
    TrajectoriesShown,
)
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images import image_set, subvolumes

SIZE = (4, 3, 2)


def numbering(
    patient: str, plans: list[str], structure: str = "Tumor", has_id: bool = True
) -> Script:
    """Script: one image, a label map, points named for the patient, and these trajectories."""
    item = replace(ITEM, id="0", name="Head", patient_id=patient, patient_name=patient, size=SIZE)
    item = item if has_id else replace(item, patient_id="")
    labels = codec.ImageMessage.from_ijk_to_ras(np.ones(SIZE[::-1], np.uint8), np.eye(4))
    answers: dict[str, codec.Message] = {
        "GET_IMGMETA": codec.ImageMetaMessage(items=[item]),
        "GET_TRAJ": codec.TrajectoryMessage(
            items=[replace(TRAJECTORY, name=name, owner="0") for name in plans]
        ),
        "GET_LBMETA": codec.LabelMetaMessage(
            items=[codec.LabelMetaItem(structure, "L", 1, (255, 0, 0, 255), SIZE, "0")]
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


def load_by_another(other: Browser, server: ScriptedServer) -> slicer.vtkMRMLVolumeNode:
    """Return what another browser has loaded and left in the scene."""
    other.connect(server.host, server.port)
    other.list_images()
    image = other.load_image("0")
    other.close()
    return image


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
        assert unconnected.images.states.of("L").status is ImageStatus.NOT_LOADED
        unconnected.load_image("0")
        step_until(unconnected, lambda: nodes_of(scene, "Jones"), "the plan of Jones")
        assert nodes_of(scene, "Jones") == {"A": True, "Jones": True}
        assert nodes_of(scene, "Smith") == {"A": False, "B": False, "Smith": False, "Tumor": False}
        unconnected.load_image("L")
        assert nodes_of(scene, "Jones")["Tumor"]
        unconnected.disconnect()


def test_what_another_browser_has_loaded_does_not_go_over_to_the_next_patient(
    unconnected: Browser, scene: slicer.vtkMRMLScene
):
    """Nor what is in a saved scene: whose an image is, its volume says."""

    def load_all(browser: Browser) -> None:
        heard: list = []
        browser.add_observer(heard.append)
        browser.connect(server.host, server.port)
        browser.list_images()
        browser.overlays.request_label_maps()
        step_until_event(browser, heard, LabelMapsListed)
        browser.overlays.request_points()
        step_until_event(browser, heard, PointsShown)
        browser.load_trajectories()
        browser.load_image("0")
        browser.load_image("L")

    with ScriptedServer(numbering("Smith", ["A", "B"]), numbering("Jones", ["A"])) as server:
        other = Browser(scene)
        load_all(other)
        other.close()
        assert nodes_of(scene, "Smith") == {"A": True, "B": True, "Smith": True, "Tumor": True}
        load_all(unconnected)
        assert nodes_of(scene, "Jones") == {"A": True, "Jones": True, "Tumor": True}
        assert nodes_of(scene, "Smith") == {"A": False, "B": False, "Smith": False, "Tumor": False}
        unconnected.disconnect()


def test_an_adopted_image_stays_that_of_its_patient_when_a_list_has_said_so_before(
    unconnected: Browser, scene: slicer.vtkMRMLScene
):
    """Smith's image is in the scene already, and the first list is his, too."""
    smith, jones = numbering("Smith", []), numbering("Jones", ["A"])
    with ScriptedServer(smith, smith, jones) as server:
        image = load_by_another(Browser(scene), server)
        for _ in (smith, jones):
            unconnected.connect(server.host, server.port)
            unconnected.list_images()
        (node,) = unconnected.load_trajectories()
        assert parents(node) == ["Trajectory"]
        assert markups_beside(image) == []
        unconnected.disconnect()


def test_nor_does_what_comes_stand_beside_an_image_of_before_that_an_opened_scene_has(
    unconnected: Browser, scene: slicer.vtkMRMLScene, tmp_path: Path
):
    with ScriptedServer(numbering("Smith", []), numbering("Jones", ["A"])) as server:
        load_by_another(Browser(scene), server)
        path = save_scene(scene, tmp_path)
        scene.Clear(0)
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        unconnected.load_image("0")
        scene.Clear(0)
        load_scene(scene, path)
        unconnected.load_trajectories()
        assert markups_beside(unconnected.images.node("0")) == []
        unconnected.load_image("0")
        assert markups_beside(unconnected.images.node("0")) == ["A"]
        unconnected.disconnect()


@pytest.mark.parametrize(("next_patient", "beside"), [("Jones", []), ("SMITH^", ["A"])])
def test_an_adopted_image_of_a_patient_without_an_id_is_told_from_the_next_ones_by_the_name(
    unconnected: Browser, scene: slicer.vtkMRMLScene, next_patient: str, beside: list[str]
):
    first = numbering("Smith", [], has_id=False)
    with ScriptedServer(first, numbering(next_patient, ["A"], has_id=False)) as server:
        image = load_by_another(Browser(scene), server)
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        unconnected.load_trajectories()
        assert markups_beside(image) == beside
        unconnected.disconnect()


def test_the_pseudonym_of_an_adopted_image_says_nothing_of_whose_it_is(
    unconnected: Browser, scene: slicer.vtkMRMLScene
):
    smith = numbering("Smith", ["A"], has_id=False)
    with ScriptedServer(smith, smith) as server:
        other = Browser(scene)
        other.patients.hide()
        image = load_by_another(other, server)
        assert image.GetAttribute("DICOM.PatientName") == "Patient 1"
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        unconnected.load_trajectories()
        assert markups_beside(image) == ["A"]
        unconnected.disconnect()


def test_what_comes_without_a_list_does_not_stand_beside_an_adopted_image(
    unconnected: Browser, scene: slicer.vtkMRMLScene
):
    with ScriptedServer(numbering("Smith", []), numbering("Jones", ["A"])) as server:
        image = load_by_another(Browser(scene), server)
        unconnected.connect(server.host, server.port)
        (node,) = unconnected.load_trajectories()
        assert parents(node) == ["Trajectory"]
        assert markups_beside(image) == []
        unconnected.disconnect()


class Leaving:
    """A peer that ends its script when it is asked for something of this name or type."""

    def __init__(self, peer: Peer, when: str) -> None:
        self.send, self._peer, self._when = peer.send, peer, when

    def receive(self) -> codec.Message:
        query = self._peer.receive()
        if self._when in (query.device_name, query.type_name):
            raise EOFError
        return query


def leaving(script: Script, when: str) -> Script:
    return lambda peer: script(Leaving(peer, when))


def get(browser: Browser, events: list, data_type: str) -> None:
    """Ask for what belongs to images, and wait until it is shown, or until that has failed."""
    {
        "TRAJ": browser.trajectories.request,
        "POINT": browser.overlays.request_points,
        "LBMETA": browser.overlays.request_label_maps,
    }[data_type]()
    ends = (TrajectoriesShown, PointsShown, LabelMapsListed)
    step_until(browser, lambda: any(isinstance(one, ends) for one in events), data_type)


def markups_beside(image: slicer.vtkMRMLScalarVolumeNode) -> list[str]:
    """Which lines and points stand under the patient of an image."""
    return list(nodes_of(image.GetScene(), parents(image)[0]))


@pytest.mark.parametrize("data_type", ["TRAJ", "POINT", "LBMETA"])
def test_what_comes_after_the_connection_was_lost_waits_for_the_list(
    data_type: str, unconnected: Browser, events: list
):
    """At once, so that the list is young: it would stand beside the image of before."""
    smith, jones = numbering("Smith", ["A"]), numbering("Jones", ["A"])
    with ScriptedServer(leaving(smith, f"GET_{data_type}"), jones) as server:
        unconnected.connect(server.host, server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        image = unconnected.load_image("0")
        get(unconnected, events, data_type)
        assert server.connections == 2
        assert [entry.patient_id for entry in unconnected.images.listing.entries] == ["Jones"]
        assert markups_beside(image) == []
        assert of_type(events, Failed) == []
        unconnected.disconnect()


def test_what_waits_for_the_list_as_the_scene_is_closed_is_shown_in_the_next(
    unconnected: Browser, events: list, scene: slicer.vtkMRMLScene
):
    """As what comes a moment later; who has asked for it would wait for ever."""
    with ScriptedServer(numbering("Smith", ["A"]), numbering("Jones", ["A"])) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        unconnected.load_image("0")
        unconnected.connect(server.host, server.port)
        query = unconnected.overlays.request_points()
        step_until(unconnected, lambda: query.is_done, "the answer")
        assert not unconnected.is_handled(query)
        scene.Clear(0)
        assert len(step_until_event(unconnected, events, PointsShown).nodes) == 1
        unconnected.disconnect()


def test_what_comes_before_the_list_of_a_server_that_is_chosen_again(
    unconnected: Browser, scene: slicer.vtkMRMLScene
):
    with ScriptedServer(numbering("Smith", ["A"]), numbering("Jones", ["A"])) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        image = unconnected.load_image("0")
        unconnected.connect(server.host, server.port)
        (node,) = unconnected.load_trajectories()
        assert parents(node) == ["Trajectory"]
        assert markups_beside(image) == []
        unconnected.load_image("0")
        assert list(nodes_of(scene, "Jones")) == ["A"]
        unconnected.disconnect()


def test_the_same_patients_stay_beside_their_image(unconnected: Browser):
    smith = numbering("Smith", ["A"])
    with ScriptedServer(leaving(smith, "GET_POINT"), smith) as server:
        unconnected.connect(server.host, server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        image = unconnected.load_image("0")
        (node,) = unconnected.load_trajectories()
        unconnected.overlays.request_points()
        step_until(unconnected, lambda: len(markups_beside(image)) == 2, "line and point")
        assert unconnected.load_trajectories() == [node]
        assert markups_beside(image) == ["A", "Smith"]
        unconnected.disconnect()


def without_list(patient: str, refusal: codec.Message | None) -> Script:
    """Script: as ``numbering``, but the list is refused, or not answered."""
    answer = numbering(patient, ["A"])

    class WithoutList(Leaving):
        def receive(self) -> codec.Message:
            query = self._peer.receive()
            if query.type_name != "GET_IMGMETA":
                return query
            if refusal is not None:
                self.send(refusal)
            return self.receive()

    return lambda peer: answer(WithoutList(peer, ""))


@pytest.mark.parametrize(
    "refusal", [codec.StatusMessage(codec.StatusCode.NOT_FOUND, device_name="IMGMETA"), None]
)
def test_without_a_new_list_it_stands_beside_no_image(
    refusal: codec.Message | None, unconnected: Browser, events: list
):
    smith = leaving(numbering("Smith", ["A"]), "GET_TRAJ")
    with ScriptedServer(smith, without_list("Jones", refusal)) as server:
        server.only_silence_counts()
        unconnected.connect(server.host, server.port, reconnect_delays=(0.01,), answer_timeout=0.3)
        unconnected.list_images()
        image = unconnected.load_image("0")
        for _ in range(2):
            unconnected.load_trajectories()
            assert markups_beside(image) == []
        notices = [one for one in of_type(events, Failed) if "beside no image" in str(one.error)]
        assert len(notices) == server.connections - 1  # once over each
        unconnected.disconnect()


def test_when_the_connection_is_lost_before_the_list_came_all_is_asked_for_again(
    unconnected: Browser, events: list
):
    smith, jones = numbering("Smith", ["A"]), numbering("Jones", ["A"])
    scripts = leaving(smith, "GET_TRAJ"), leaving(smith, "GET_IMGMETA"), jones
    with ScriptedServer(*scripts) as server:
        unconnected.connect(server.host, server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        image = unconnected.load_image("0")
        get(unconnected, events, "TRAJ")
        assert server.connections == 3
        assert markups_beside(image) == []
        unconnected.disconnect()


def test_a_label_map_that_comes_after_the_connection_was_lost(unconnected: Browser):
    """At once, so that the lists are young: it would be drawn in the image of before."""
    smith, jones = numbering("Smith", []), numbering("Jones", [])
    with ScriptedServer(leaving(smith, "L"), jones) as server:
        unconnected.connect(server.host, server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        query = unconnected.overlays.request_label_maps()
        step_until(unconnected, lambda: query.is_done, "the label maps")
        unconnected.load_image("0")
        with pytest.raises(BrowserError, match="its image is another one now"):
            unconnected.load_image("L")
        unconnected.disconnect()


def load_label_map_of_jones(browser: Browser, jones: Script) -> slicer.vtkMRMLNode:
    """Load a label map of the next patient, while the list of label maps is that of the last."""
    with ScriptedServer(numbering("Smith", []), jones) as server:
        browser.connect(server.host, server.port)
        browser.list_images()
        query = browser.overlays.request_label_maps()
        step_until(browser, lambda: query.is_done, "the label maps")
        browser.connect(server.host, server.port)
        browser.list_images()
        browser.load_image("0")
        try:
            return browser.load_image("L")
        finally:
            browser.disconnect()


def test_a_label_map_has_the_structures_of_a_list_of_its_own_connection(unconnected: Browser):
    node = load_label_map_of_jones(unconnected, numbering("Jones", [], "Liver"))
    assert (node.GetName(), parents(node)) == ("Liver", ["Head", "Jones"])


def test_without_such_a_list_it_is_refused_in_words(unconnected: Browser):
    def without_label_list(peer: Peer) -> None:
        class WithoutLabelList(Leaving):
            def receive(self) -> codec.Message:
                while (query := self._peer.receive()).type_name == "GET_LBMETA":
                    self.send(codec.StatusMessage(codec.StatusCode.NOT_FOUND, device_name="LBMETA"))
                return query

        numbering("Jones", [])(WithoutLabelList(peer, ""))

    with pytest.raises(SceneError, match="get their list"):
        load_label_map_of_jones(unconnected, without_label_list)


@pytest.mark.parametrize("is_listed", [True, False], ids=["the list", "its metadata"])
def test_a_large_part_of_the_next_patients_image_gets_none_of_the_voxels_of_before(
    unconnected: Browser, events: list, monkeypatch: pytest.MonkeyPatch, is_listed: bool
):
    """Given a server that is started again, and an ID and a size as before.

    What only the metadata say is known when the image is there; it is loaded again then.
    """
    for module in (subvolumes, image_set):
        monkeypatch.setattr(module, "MOST_AT_ONCE", 15)

    def serving(patient: str) -> Script:
        metadata = {} if is_listed else {"PatientID": patient}
        item = codec.ImageMetaItem("Head", "A", patient_id=patient, size=(20, 10, 2))
        item.scalar_type = codec.ScalarType.UINT16
        image = replace(HALVED, header_version=2, metadata=metadata, device_name="A")

        def script(peer: Peer) -> None:
            while (query := peer.receive()) is not None:
                if query.type_name == "GET_IMGMETA":
                    peer.send(codec.ImageMetaMessage([item] if is_listed else []))
                elif query.type_name == "GET_IMAGE":
                    peer.send(image if patient == "Smith" else lower_half(image))

        return script

    def load(event_type: type) -> str:
        events.clear()
        unconnected.request_images(["A"])
        step_until(unconnected, lambda: of_type(events, (ImageLoaded, ImageFailed)), "the image")
        (event,) = of_type(events, event_type)
        return str(getattr(event, "error", ""))

    with ScriptedServer(serving("Smith"), serving("Jones")) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        load(ImageLoaded)
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        if not is_listed:
            assert "load the image again" in load(ImageFailed)
            assert volume_values(unconnected.images.node("A")) == HALVED.pixels.ravel().tolist()
        load(ImageLoaded)
        half = HALVED.pixels[0].ravel() + 1000
        assert volume_values(unconnected.images.node("A")) == [*half, *np.zeros(half.size)]
        unconnected.disconnect()
