"""Patients are hidden in sequences that are not whole: being made, or what the user has left."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import slicer

from helpers.hospital import of_type, step_until, step_until_event
from helpers.live_frames import ask_for_next, frame
from helpers.peers import ScriptedServer
from helpers.scene_texts import texts_in
from helpers.scripts import burst
from helpers.sequences_in_turns import IDS, TURNS, after, loaded
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import LiveImage, SequenceLoaded
from IGTLMetaBrowserLib.scene.images.sequence_nodes import (
    RECORDING_ATTRIBUTE,
    make_browser,
    new_sequence,
)
from IGTLMetaBrowserLib.scene.images.sequence_recording import SequenceRecording

__all__ = ["loaded"]
PARTS = ("sequence", "volume", "player")
LIVE = "US of Smith"


def names_somebody(scene: slicer.vtkMRMLScene) -> dict[str, str]:
    """The texts that name the patient, but for items of nodes that Slicer would have removed."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)

    def is_left(key: str) -> bool:
        what, number, *_ = key.split()
        node = hierarchy.GetItemDataNode(int(number)) if what == "item" else None
        return node is not None and node.GetScene() is None

    texts = texts_in(scene).items()
    named = {key: text for key, text in texts if "Smith" in (text or "") or "P-1021" in text}
    return {key: text for key, text in named.items() if not is_left(key)}


def remove(scene: slicer.vtkMRMLScene, part: str) -> None:
    player = scene.GetFirstNodeByClass("vtkMRMLSequenceBrowserNode")
    sequence = player.GetMasterSequenceNode()
    nodes = {"sequence": sequence, "volume": player.GetProxyNode(sequence), "player": player}
    scene.RemoveNode(nodes[part])


def recorded(browser: Browser, events: list) -> SequenceRecording:
    """A recording of two frames of a live image."""
    with ScriptedServer(burst(*(frame(n, device_name=LIVE) for n in (1, 20, 30)))) as server:
        browser.connect("127.0.0.1", server.port)
        step_until_event(browser, events, LiveImage)
        recording = browser.images.recordings.start(LIVE)
        ask_for_next(browser)
        step_until(browser, lambda: recording.frames == 2, "two frames")
        browser.images.recordings.stop(LIVE)
        browser.disconnect()
    return recording


def check_hidden_twice(browser: Browser) -> None:
    for _ in range(2):
        assert names_somebody(browser.scene)
        browser.patients.hide()
        assert not names_somebody(browser.scene)
        browser.patients.hide(False)


@pytest.mark.parametrize("number", TURNS)
def test_as_it_is_made(loaded: Browser, events: list, scene, number: int) -> None:
    after(loaded, number)
    check_hidden_twice(loaded)
    loaded.patients.hide()
    for _ in range(2):
        loaded.step()
        assert not names_somebody(scene)
    step_until(loaded, lambda: of_type(events, SequenceLoaded), "the sequence")
    assert not names_somebody(scene)
    loaded.patients.hide(False)


@pytest.mark.parametrize("number", [0, 2, 8])
def test_one_that_is_made_meanwhile_is_called_as_its_images_when_they_are_shown(
    loaded: Browser, events: list, scene, number: int
) -> None:
    """So are all of its nodes; ``number`` turns are done before patients are hidden."""
    after(loaded, number)
    loaded.patients.hide()
    loaded.images.sequences.request(IDS[:1])
    step_until(loaded, lambda: of_type(events, SequenceLoaded), "the sequence")
    assert not names_somebody(scene)
    loaded.patients.hide(False)
    (sequence,) = scene.GetNodesByClass("vtkMRMLSequenceNode")
    (player,) = scene.GetNodesByClass("vtkMRMLSequenceBrowserNode")
    for node in (sequence, player, player.GetProxyNode(sequence)):
        assert node.GetName().startswith("Perfusion of Smith")
    check_hidden_twice(loaded)
    assert "hidden" not in str(texts_in(scene))


def test_a_recording_that_is_made_meanwhile(
    unconnected: Browser, events: list, sequences: Any
) -> None:
    unconnected.patients.register("Smith", "P-1021")
    unconnected.patients.hide()
    recording = recorded(unconnected, events)
    assert not names_somebody(unconnected.scene)
    unconnected.patients.hide(False)
    for node in (recording.sequence_node, recording.browser_node, recording.volume_node):
        assert node.GetName() == f"{LIVE} recording"
    check_hidden_twice(unconnected)
    assert "hidden" not in str(texts_in(unconnected.scene))


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
@pytest.mark.parametrize("part", PARTS)
def test_what_the_user_has_left_of_a_4d_series(
    loaded: Browser, events: list, scene, part: str, is_open: bool
) -> None:
    after(loaded, 0)
    step_until(loaded, lambda: of_type(events, SequenceLoaded), "the sequence")
    remove(scene, part)
    if is_open:
        check_hidden_twice(loaded)
        return
    loaded.close()
    with closing(Browser(scene)) as late:
        check_hidden_twice(late)


@pytest.mark.parametrize("part", ["volume", "player"])
def test_frames_that_are_left_while_patients_are_hidden_say_all_again(
    loaded: Browser, events: list, scene, part: str
) -> None:
    after(loaded, 0)
    step_until(loaded, lambda: of_type(events, SequenceLoaded), "the sequence")
    sequence = scene.GetFirstNodeByClass("vtkMRMLSequenceNode")
    frames = [sequence.GetNthDataNode(number) for number in range(len(IDS))]
    loaded.patients.hide()
    remove(scene, part)
    loaded.patients.hide(False)
    said = [(one.GetName(), one.GetAttribute("DICOM.PatientName")) for one in frames]
    assert said == [("Perfusion of Smith", "Smith")] * len(IDS)


@pytest.mark.parametrize("part", PARTS)
def test_what_the_user_has_left_of_a_recording(
    unconnected: Browser, events: list, sequences: Any, part: str
) -> None:
    """The live image itself is removed, too."""
    unconnected.patients.register("Smith", "P-1021")
    recorded(unconnected, events)
    unconnected.scene.RemoveNode(unconnected.images.node(LIVE))
    before = texts_in(unconnected.scene)
    check_hidden_twice(unconnected)
    assert texts_in(unconnected.scene) == before
    remove(unconnected.scene, part)
    before = texts_in(unconnected.scene)
    check_hidden_twice(unconnected)
    assert texts_in(unconnected.scene) == before


def recording_of(scene: slicer.vtkMRMLScene, name: str) -> tuple[Any, Any, Any]:
    """A recording of one frame: its sequence, what replays it, and the volume that shows it."""
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    sequence = new_sequence(scene, name, "time", "s", 1e-6)
    sequence.SetAttribute(RECORDING_ATTRIBUTE, "yes")
    sequence.SetDataNodeAtValue(volume, "0")
    scene.RemoveNode(volume)
    return sequence, *make_browser(scene, sequence)


def test_names_that_look_alike_without_patients(unconnected: Browser, sequences: Any) -> None:
    """The user has named a sequence after one patient, and what replays it after others."""
    nodes = recording_of(unconnected.scene, "US of Smith")
    names = [f"US of {name}" for name in ("Smith", "Jones", "Meyer")]
    for node, name in zip(nodes, names, strict=True):
        node.SetName(name)
        unconnected.patients.register(name.split()[-1], "")
    frame, told = nodes[0].GetNthDataNode(0), []
    frame.AddObserver("ModifiedEvent", lambda *_: told.append(1))
    before = [one.GetName() for one in (*nodes, frame)]
    for _ in range(2):
        unconnected.patients.hide()
        assert {one.GetName() for one in (*nodes, frame)} == {"US of (hidden)"}
        unconnected.patients.hide(False)
        assert [one.GetName() for one in (*nodes, frame)] == before
    unconnected.patients.hide()
    nodes[1].SetName("At the left")
    nodes[2].RemoveAttribute("IGTLMetaBrowser.CoveredNames")  # Slicer has written a frame over it
    unconnected.patients.hide(False)
    # Rather no name than that of another patient.
    assert [one.GetName() for one in nodes] == ["US of Smith", "At the left", "US of (hidden)"]
    assert told == []  # of a frame, at which Slicer would copy its voxels


def test_names_that_are_covered_in_two_steps(unconnected: Browser, sequences: Any) -> None:
    """Of who becomes known while patients are hidden, the name comes back with the others."""
    names = [f"Smith {number} with Jones" for number in range(8)]
    nodes = [node for name in names for node in recording_of(unconnected.scene, name)]
    before = [node.GetName() for node in nodes]
    unconnected.patients.register("Smith", "")
    unconnected.patients.hide()
    unconnected.patients.register("Jones", "")
    unconnected.metadata.listed.emit()
    assert not any("Jones" in node.GetName() for node in nodes)
    unconnected.patients.hide(False)
    assert [node.GetName() for node in nodes] == before


@pytest.mark.parametrize("is_reversed", [False, True], ids=["same order", "other order"])
def test_names_of_which_two_browsers_have_covered_a_part_each(
    is_reversed: bool, unconnected: Browser, sequences: Any
) -> None:
    """They are hidden as long as one of the browsers hides patients."""
    nodes = recording_of(unconnected.scene, "Smith with Jones")
    before = [node.GetName() for node in nodes]
    with closing(Browser(unconnected.scene)) as other:
        both = [unconnected, other]
        unconnected.patients.register("Smith", "")
        unconnected.patients.hide()
        other.patients.register("Jones", "")
        other.patients.hide()
        assert all("(hidden) with (hidden)" in node.GetName() for node in nodes)
        first, last = reversed(both) if is_reversed else both
        first.patients.hide(False)
        assert all("(hidden) with (hidden)" in node.GetName() for node in nodes)
        last.patients.hide(False)
        assert [node.GetName() for node in nodes] == before
