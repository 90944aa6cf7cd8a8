"""Patients are hidden wherever they are named: folders, recordings, scene views, others' texts."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import slicer

from helpers.copied_nodes import copy_of
from helpers.hospital import parents, step_until, step_until_event
from helpers.live_frames import ask_for_next, frame
from helpers.names_in_images import clinic, load
from helpers.one_patient import JONES, SMITH, Clinic, connect
from helpers.peers import ScriptedServer, ServerInThread
from helpers.saved_scene import load_scene, save_scene
from helpers.scene_texts import dicom_texts, texts_in
from helpers.scene_views import store_view, views
from helpers.scripts import burst
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import LiveImage
from IGTLMetaBrowserLib.browser.open_browsers import hide_patients
from IGTLMetaBrowserLib.scene.hidden_patients.patient_marks import nodes_and_copies
from IGTLMetaBrowserLib.scene.images.sequence_nodes import make_browser, new_sequence

__all__ = ["clinic", "views"]


def names_somebody(scene: slicer.vtkMRMLScene) -> dict[str, str]:
    """The texts of a scene that name Smith."""
    return {key: text for key, text in texts_in(scene).items() if any(w in text for w in SMITH)}


def check_hidden_and_shown(browser: Browser) -> None:
    before = texts_in(browser.scene)
    assert names_somebody(browser.scene)
    for _ in range(2):
        browser.patients.hide()
        assert not names_somebody(browser.scene)
        browser.patients.hide(False)
        assert texts_in(browser.scene) == before


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_who_is_named_by_a_later_list_only(
    is_open: bool, unconnected: Browser, late: Browser, clinic, clinic_server: ServerInThread
) -> None:
    """The volume was shown by this browser, or by one that is closed."""
    clinic.is_listed = False
    before = load(unconnected, clinic_server).GetName()
    if not is_open:
        unconnected.close()
    browser = unconnected if is_open else late
    browser.patients.hide()
    connect(browser, clinic_server).list_images()
    clinic.is_listed = True
    browser.list_images()
    assert not names_somebody(browser.scene)
    browser.patients.hide(False)
    assert browser.images.node("0").GetName() == before


def test_who_is_named_by_the_study_of_another_image(unconnected: Browser) -> None:
    clinic = Clinic()
    said = {"PatientName": "Jones", "PatientID": "P-2", "StudyDescription": "With Smith"}
    clinic.patient = JONES
    image = clinic.image("0")
    clinic.image = lambda _: replace(image, header_version=2, metadata=said)
    with ServerInThread(clinic) as server:
        load(unconnected, server)
        before = texts_in(unconnected.scene)
        unconnected.patients.hide()
        clinic.images = lambda: [replace(Clinic().images()[0], id="1")]
        unconnected.list_images()
        assert not names_somebody(unconnected.scene)
        unconnected.patients.hide(False)
        assert sorted(texts_in(unconnected.scene).values()) == sorted(before.values())


def test_who_is_named_by_an_image_of_a_closed_browser_only(
    unconnected: Browser, late: Browser, clinic_server: ServerInThread
) -> None:
    with ServerInThread(Clinic()) as server:
        load(unconnected, server)
    unconnected.close()
    load(late, clinic_server)
    late.disconnect()
    check_hidden_and_shown(late)


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_folders_whose_images_were_removed(
    is_open: bool, unconnected: Browser, late: Browser, clinic_server: ServerInThread
) -> None:
    volume = load(unconnected, clinic_server, "1")
    unconnected.scene.RemoveNode(volume)
    if not is_open:
        unconnected.close()
    check_hidden_and_shown(unconnected if is_open else late)


def test_an_image_that_comes_again_stands_in_the_folder_of_before(
    unconnected: Browser, clinic_server: ServerInThread
) -> None:
    unconnected.scene.RemoveNode(load(unconnected, clinic_server, "1"))
    unconnected.patients.hide()
    volume = unconnected.load_image("1")
    assert not names_somebody(unconnected.scene)
    unconnected.patients.hide(False)
    assert parents(volume) == ["Smith"]
    assert [*texts_in(unconnected.scene).values()].count("P-1") == 2  # the volume, and its folder


def test_a_recording_that_goes_on_meanwhile(unconnected: Browser, events: list, sequences) -> None:
    said = {"PatientID": "P-1", "PatientName": "Smith"}
    frames = [
        replace(frame(shade), device_name="US of Smith", header_version=2, metadata=said)
        for shade in (1, 20, 30, 40)
    ]
    with ScriptedServer(burst(*frames)) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        recording = unconnected.images.recordings.start("US of Smith")
        unconnected.patients.hide()
        ask_for_next(unconnected)
        step_until(unconnected, lambda: recording.frames == 3, "three frames")
        unconnected.images.recordings.stop("US of Smith")
        assert not names_somebody(unconnected.scene)
        unconnected.patients.hide(False)
        unconnected.disconnect()
    assert recording.sequence_node.GetName() == "US of Smith recording"
    check_hidden_and_shown(unconnected)


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_a_volume_that_a_scene_view_holds(
    is_open: bool, views, unconnected: Browser, late: Browser, clinic_server: ServerInThread
) -> None:
    store_view(views, load(unconnected, clinic_server))
    if not is_open:
        unconnected.close()
        connect(late, clinic_server).list_images()
    check_hidden_and_shown(unconnected if is_open else late)


def test_what_the_user_calls_a_volume_that_a_scene_view_holds(
    views, unconnected: Browser, clinic_server: ServerInThread
) -> None:
    """Slicer gives the copy that name; to restore the scene view would bring the server's."""
    volume = load(unconnected, clinic_server, "1")
    volume.SetName("Before Smith")
    store_view(views, volume)
    check_hidden_and_shown(unconnected)
    assert [*texts_in(unconnected.scene).values()].count("Before Smith") > 2


def test_a_scene_view_that_comes_with_a_scene(
    views, unconnected: Browser, late: Browser, clinic_server: ServerInThread, tmp_path: Path
) -> None:
    store_view(views, load(unconnected, clinic_server, "0"))
    unconnected.load_image("1")
    unconnected.close()
    path = save_scene(late.scene, tmp_path)
    late.scene.Clear(0)
    late.patients.hide()
    load_scene(late.scene, path)
    assert not names_somebody(late.scene)


def test_copies_and_scene_views_that_are_made_while_they_are_hidden(
    views, unconnected: Browser, clinic_server: ServerInThread
) -> None:
    """Nobody else knows what they say."""
    volume = load(unconnected, clinic_server, "1")
    before = dicom_texts(volume)
    unconnected.patients.hide()
    copy = copy_of(volume)
    store_view(views, volume)
    unconnected.patients.hide(False)
    of_image = [
        node
        for node in nodes_and_copies(unconnected.scene)
        if node.GetAttribute("IGTLMetaBrowser.ImageId")
    ]
    assert len(of_image) == 3
    assert copy in of_image
    assert [dicom_texts(node) for node in of_image] == [before] * 3
    assert not [key for key, text in texts_in(unconnected.scene).items() if "hidden" in text]


def test_the_folder_of_an_image_that_came_and_went_while_they_were_hidden(
    unconnected: Browser, clinic_server: ServerInThread
) -> None:
    unconnected.patients.hide()
    unconnected.scene.RemoveNode(load(unconnected, clinic_server, "1"))
    unconnected.patients.hide(False)
    texts = texts_in(unconnected.scene)
    assert [text for key, text in texts.items() if "Patient" in key and text] == [*SMITH[::-1]]


def test_what_replays_a_sequence_that_was_removed(
    unconnected: Browser, clinic_server: ServerInThread, sequences
) -> None:
    volume = load(unconnected, clinic_server)
    sequence = new_sequence(unconnected.scene, "Head of Smith", "time", "s", 1e-6)
    sequence.SetDataNodeAtValue(volume, "0")
    player, shown = make_browser(unconnected.scene, sequence)
    unconnected.scene.RemoveNode(sequence)
    unconnected.patients.register("Smith", "P-1")
    unconnected.patients.hide()
    assert not names_somebody(unconnected.scene)
    unconnected.patients.hide(False)
    assert player.GetName().startswith("Head of Smith")
    assert shown.GetName().startswith("Head of Smith")


def test_a_sequence_whose_file_is_missing(
    unconnected: Browser, clinic_server: ServerInThread, tmp_path: Path, sequences
) -> None:
    """Its scene can be opened: of frames, only their places are in the file of the scene."""
    volume = load(unconnected, clinic_server)
    sequence = new_sequence(unconnected.scene, "Head of Smith", "time", "s", 1e-6)
    sequence.SetDataNodeAtValue(volume, "0")
    make_browser(unconnected.scene, sequence)
    path = save_scene(unconnected.scene, tmp_path)
    unconnected.scene.Clear(0)
    load_scene(unconnected.scene, path)
    (again,) = unconnected.scene.GetNodesByClass("vtkMRMLSequenceNode")
    assert (again.GetNumberOfDataNodes(), again.GetNthDataNode(0)) == (1, None)
    name = again.GetName()
    unconnected.patients.hide()
    assert unconnected.load_image("0").GetScene() is unconnected.scene
    assert not names_somebody(unconnected.scene)
    unconnected.patients.hide(False)
    assert again.GetName() == name


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_what_the_user_calls_a_volume(
    is_open: bool, unconnected: Browser, late: Browser, clinic_server: ServerInThread
) -> None:
    volume = load(unconnected, clinic_server, "1")
    volume.SetName("Smith before surgery")
    if not is_open:
        unconnected.close()
    check_hidden_and_shown(unconnected if is_open else late)


@pytest.mark.parametrize("is_first", [True, False], ids=["list first", "hidden first"])
def test_who_is_named_by_the_list_of_another_browser(
    is_first: bool, unconnected: Browser, late: Browser, clinic, clinic_server: ServerInThread
) -> None:
    clinic.is_listed = False
    volume = load(unconnected, clinic_server)
    before = volume.GetName()
    clinic.is_listed = True
    acts = [lambda: connect(late, clinic_server).list_images(), lambda: hide_patients(True)]
    for act in acts if is_first else reversed(acts):
        act()
    assert not names_somebody(late.scene)
    hide_patients(False)
    assert volume.GetName() == before


def test_one_patient_has_one_number_in_all_browsers_of_a_scene(
    unconnected: Browser, late: Browser
) -> None:
    unconnected.patients.register("Smith", "P-1")
    late.patients.register("Jones", "P-2")
    for patients in (unconnected.patients, late.patients):
        pseudonyms = patients.pseudonym("Smith", "P-1"), patients.pseudonym("Jones", "P-2")
        assert pseudonyms == ("Patient 1", "Patient 2")


@pytest.mark.parametrize("is_reversed", [False, True], ids=["same order", "other order"])
def test_what_two_browsers_have_hidden_is_shown_by_both(
    is_reversed: bool, views, unconnected: Browser, late: Browser, clinic, clinic_server
) -> None:
    """The second one hears of more, and knows only what the first one has left."""
    clinic.is_listed = False
    volume = load(unconnected, clinic_server)
    store_view(views, volume)
    unconnected.close()
    with closing(Browser(late.scene)) as other:
        before = texts_in(late.scene)
        late.patients.register("Head", "P9")
        late.patients.hide()
        other.patients.hide()
        other.patients.register("Smith", "P-1")
        hide_patients(False)
        late.patients.hide()
        other.patients.hide()
        assert not names_somebody(late.scene)
        both = [late, other]
        for one in reversed(both) if is_reversed else both:
            one.patients.hide(False)
        assert texts_in(late.scene) == before
