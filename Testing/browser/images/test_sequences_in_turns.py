"""A 4D series becomes a sequence in turns: it may have a thousand volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import slicer

from helpers.hospital import of_type, step_until
from helpers.sequences_in_turns import IDS, TURNS, after, loaded
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import Failed, ImageStatus, NodeRemoved, SequenceLoaded
from IGTLMetaBrowserLib.browser.images.image_states import ImageStates

__all__ = ["loaded"]


def count(scene: Any, class_name: str) -> int:
    return scene.GetNumberOfNodesByClass(class_name)


def test_a_turn_moves_one_volume_and_looks_once_which_are_there(loaded, events, scene):
    with patch.object(ImageStates, "remove_all_but", autospec=True, return_value=[]) as look:
        after(loaded, 2)
        before = count(scene, "vtkMRMLScalarVolumeNode")
        assert before == len(IDS)
        steps = 0
        while not of_type(events, SequenceLoaded):
            loaded.step()
            steps += 1
            now = count(scene, "vtkMRMLScalarVolumeNode")
            assert now >= before - 1
            before = now
    assert steps > 2 * len(IDS) - 3
    assert look.call_count <= steps + 2
    assert count(scene, "vtkMRMLScalarVolumeNode") == 1  # what replays it
    assert {loaded.images.states.of(one).status for one in IDS} == {ImageStatus.LOADED}


def disconnect(browser: Browser) -> None:
    browser.disconnect()


def close_scene(browser: Browser) -> None:
    browser.scene.Clear(0)


def close(browser: Browser) -> None:
    browser.close()


@pytest.mark.parametrize("end", [disconnect, close, close_scene])
@pytest.mark.parametrize("number", TURNS)
def test_whenever_it_ends_each_image_is_there_once(
    loaded, scene, number, end: Callable[[Browser], None]
):
    after(loaded, number)
    end(loaded)
    sequence_count = count(scene, "vtkMRMLSequenceNode")
    expected = 0 if end is close_scene else 1 if sequence_count else len(IDS)
    assert count(scene, "vtkMRMLScalarVolumeNode") == expected
    assert count(scene, "vtkMRMLSequenceBrowserNode") == sequence_count
    if sequence_count:
        player = scene.GetFirstNodeByClass("vtkMRMLSequenceBrowserNode")
        frames = player.GetMasterSequenceNode()
        values = [
            slicer.util.arrayFromVolume(frames.GetNthDataNode(n)).ravel()[0]
            for n in range(len(IDS))
        ]
        assert np.array_equal(values, range(0, 10 * len(IDS), 10))


@pytest.mark.parametrize("number", TURNS)
def test_a_server_can_be_left_as_a_volume_is_moved(loaded, events, scene, number):
    after(loaded, number)
    heard = []

    def leave(event: NodeRemoved) -> None:
        heard.append(event)
        loaded.disconnect()

    loaded.add_observer(leave, NodeRemoved)
    step_until(loaded, lambda: heard or of_type(events, SequenceLoaded), "a volume to be moved")
    loaded.step()
    assert count(scene, "vtkMRMLSequenceNode") == 1
    assert count(scene, "vtkMRMLScalarVolumeNode") == 1


ATTRIBUTES = ("Sequences.BaseName", "DICOM.PatientName", "DICOM.PatientID")


def texts_of_frames(scene: Any) -> list[tuple[str, ...]]:
    """Return the names of what the sequence consists of, also as Slicer notes them, and whose."""
    player = scene.GetFirstNodeByClass("vtkMRMLSequenceBrowserNode")
    frames = player.GetMasterSequenceNode()
    nodes = [frames.GetNthDataNode(number) for number in range(len(IDS))]
    nodes += [frames, player, player.GetProxyNode(frames)]
    return [
        (node.GetName(), *(node.GetAttribute(one) or "" for one in ATTRIBUTES)) for node in nodes
    ]


@pytest.mark.parametrize("is_shown_again", [False, True])
@pytest.mark.parametrize("number", TURNS)
def test_when_patients_are_hidden_meanwhile_all_frames_say_so(
    loaded, events, scene, number, is_shown_again
):
    """At once, as soon as the sequence can be replayed: some images have a volume still."""
    after(loaded, number)
    loaded.patients.hide()
    if count(scene, "vtkMRMLSequenceBrowserNode"):
        assert "Smith" not in str(texts_of_frames(scene))
    loaded.step()
    if is_shown_again:
        loaded.patients.hide(False)
    step_until(loaded, lambda: of_type(events, SequenceLoaded), "the sequence")
    texts = texts_of_frames(scene)
    loaded.patients.hide(not loaded.patients.is_hidden)
    others = texts_of_frames(scene)
    hidden, shown = (others, texts) if is_shown_again else (texts, others)
    assert "Smith" not in str(hidden)
    assert "P-1021" not in str(hidden)
    assert {texts[:2] for texts in shown[: len(IDS)]} == {("Perfusion of Smith",) * 2}
    loaded.patients.hide(False)


def test_if_the_user_removes_a_volume_meanwhile_none_is_made(loaded, events, scene):
    after(loaded, 2)
    scene.RemoveNode(loaded.images.node(IDS[-1]))
    step_until(loaded, lambda: of_type(events, Failed), "the words")
    assert "an image of the sequence is not loaded" in str(of_type(events, Failed)[0].error)
    assert count(scene, "vtkMRMLSequenceNode") == 0
    assert count(scene, "vtkMRMLScalarVolumeNode") == len(IDS) - 1
