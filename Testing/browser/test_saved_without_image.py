"""Plans, points and label maps of a scene that was saved without their image: whose are they?

The image that comes next under the ID may be another patient's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import slicer

from helpers.hospital import parents, points
from helpers.one_patient import (
    JONES,
    KINDS,
    NOBODY,
    SMITH,
    Clinic,
    connect,
    get_overlays,
    marks,
    owned_nodes,
)
from helpers.peers import ServerInThread
from helpers.saved_scene import load_scene, save_and_load, save_scene
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import Failed, ImageStatus
from IGTLMetaBrowserLib.privacy import hidden_patients
from IGTLMetaBrowserLib.scene.hidden_patients.patient_marks import PATIENT_ATTRIBUTE

Load = Callable[[], slicer.vtkMRMLScene]


@pytest.fixture(params=["image never loaded", "image removed"])
def saved(
    request,
    unconnected: Browser,
    scene: slicer.vtkMRMLScene,
    clinic_server: ServerInThread,
    tmp_path: Path,
) -> Load:
    """Loads, anew, a scene that was saved with all that belongs to Smith's image, without that."""
    connect(unconnected, clinic_server).list_images()
    if request.param == "image removed":
        image = unconnected.load_image("0")
        transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Of the image")
        image.SetAndObserveTransformNodeID(transform.GetID())
    get_overlays(unconnected)
    if request.param == "image removed":
        scene.RemoveNode(image)
    unconnected.disconnect()
    return lambda: save_and_load(scene, tmp_path)


@pytest.fixture
def opened(saved: Load) -> Iterator[Browser]:
    """The browser of a later session, in which that scene is open."""
    browser = Browser(saved())
    browser.told = []
    browser.add_observer(browser.told.append, Failed)
    yield browser
    browser.close()


def scene_of(browser: Browser) -> slicer.vtkMRMLScene:
    return browser.scene


def assert_is_left_alone(nodes: list, image: slicer.vtkMRMLScalarVolumeNode) -> None:
    """All these are somewhere else than this image, are not seen, and no server's."""
    assert len(nodes) == len(KINDS)
    transform = image.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", "Of the next")
    image.SetAndObserveTransformNodeID(transform.GetID())
    for node in nodes:
        assert "Jones" not in parents(node)
        assert image.GetName() not in parents(node)
        assert node.GetTransformNodeID() != transform.GetID()
        assert not node.GetDisplayVisibility()
        assert [one for one in node.GetAttributeNames() if one.startswith("IGTLMetaBrowser")] == []


def test_a_slice_view_shows_none_of_it_as_an_image(
    opened: Browser, clinic: Clinic, clinic_server: ServerInThread
):
    """As Slicer does with a label map, in a scene without images."""
    (label_map,) = (one for one in owned_nodes(scene_of(opened)) if one.IsA("vtkMRMLVolumeNode"))
    layers = scene_of(opened).AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    layers.SetBackgroundVolumeID(label_map.GetID())
    layers.SetForegroundVolumeID(label_map.GetID())
    clinic.patient = JONES
    connect(opened, clinic_server).list_images()
    assert layers.GetBackgroundVolumeID() is None
    assert layers.GetForegroundVolumeID() is None


def test_none_of_it_goes_over_to_the_next_patients_image(
    opened: Browser, clinic: Clinic, clinic_server: ServerInThread
):
    """Nor is it written over by what that patient has under the same names.

    It is not seen from then on: other images of the next patient may be.
    """
    of_smith = owned_nodes(scene_of(opened))
    line = points(of_smith[0])
    clinic.patient = JONES
    connect(opened, clinic_server).list_images()
    assert not any(node.GetDisplayVisibility() for node in of_smith)
    get_overlays(opened)
    image = opened.load_image("0")
    assert_is_left_alone(of_smith, image)
    assert points(of_smith[0]) == line
    of_jones = [node for node in owned_nodes(scene_of(opened)) if node not in of_smith]
    assert len(of_jones) == len(KINDS)
    assert all("Jones" in parents(node) for node in of_jones)
    assert points(of_jones[0])[1] == clinic.target
    (told,) = opened.told
    assert "'0' is another patient's now, or may be: what belonged to it (Left, " in str(told.error)


def test_what_comes_before_the_list_waits_for_it(
    opened: Browser, clinic: Clinic, clinic_server: ServerInThread
):
    of_smith = owned_nodes(scene_of(opened))
    clinic.patient = JONES
    (line,) = connect(opened, clinic_server).load_trajectories()
    assert line not in of_smith
    assert_is_left_alone(of_smith, opened.load_image("0"))


def test_without_a_list_the_image_says_whose_it_is(
    opened: Browser, clinic: Clinic, clinic_server: ServerInThread
):
    of_smith = owned_nodes(scene_of(opened))
    clinic.patient, clinic.is_said = JONES, True
    assert_is_left_alone(of_smith, connect(opened, clinic_server).load_image("0"))
    assert len(opened.told) == 1


@pytest.mark.parametrize("patient", [SMITH, ("P-1", "Smyth"), NOBODY], ids=str)
def test_it_stays_with_the_image_of_its_patient_or_of_nobody_knows_whom(
    patient: tuple[str, str], opened: Browser, clinic: Clinic, clinic_server: ServerInThread
):
    """As far as a name was corrected, or the server has begun to name nobody."""
    of_smith = owned_nodes(scene_of(opened))
    clinic.patient = patient
    connect(opened, clinic_server).list_images()
    get_overlays(opened)
    image = opened.load_image("0")
    assert owned_nodes(scene_of(opened)) == of_smith
    assert {node.GetTransformNodeID() for node in of_smith} == {None}
    assert points(of_smith[0])[1] == clinic.target
    assert image.GetName() in parents(of_smith[2])
    assert opened.told == []


def test_what_was_saved_before_nodes_named_their_patient_goes_where_the_image_comes(
    opened: Browser, clinic: Clinic, clinic_server: ServerInThread
):
    for node in owned_nodes(scene_of(opened)):
        node.RemoveAttribute(PATIENT_ATTRIBUTE)
    clinic.patient = JONES
    connect(opened, clinic_server).list_images()
    opened.load_image("0")
    assert all("Jones" in parents(node) for node in owned_nodes(scene_of(opened)))
    assert marks(scene_of(opened)) == {'["P-2", "Jones"]'}


def test_a_label_map_that_was_let_go_is_not_loaded(
    opened: Browser, clinic: Clinic, clinic_server: ServerInThread
):
    connect(opened, clinic_server)
    assert opened.images.states.of("L").status is ImageStatus.LOADED
    clinic.patient = JONES
    opened.list_images()
    assert opened.images.states.of("L").status is ImageStatus.NOT_LOADED


def test_a_scene_that_is_opened_when_the_next_patients_list_is_there(
    saved: Load,
    unconnected: Browser,
    scene: slicer.vtkMRMLScene,
    clinic: Clinic,
    clinic_server,
    tmp_path,
):
    """In the session that has saved it, too: what it knew of its nodes has gone with them."""
    path = save_scene(scene, tmp_path)
    scene.Clear()
    clinic.patient = JONES
    connect(unconnected, clinic_server).list_images()
    told: list = []
    unconnected.add_observer(told.append, Failed)
    load_scene(scene, path)
    of_smith = owned_nodes(scene)
    assert len(told) == 1
    assert unconnected.images.states.of("L").status is ImageStatus.NOT_LOADED
    assert unconnected.load_trajectories()[0] not in of_smith
    assert_is_left_alone(of_smith, unconnected.load_image("0"))


def test_in_one_session_a_server_is_left_and_chosen_again(
    saved: Load, unconnected: Browser, scene: slicer.vtkMRMLScene, clinic: Clinic, clinic_server
):
    of_smith = owned_nodes(scene)
    clinic.patient = JONES
    connect(unconnected, clinic_server).list_images()
    assert_is_left_alone(of_smith, unconnected.load_image("0"))


def test_the_same_id_of_another_server_is_another_image(
    opened: Browser, clinic: Clinic, clinic_server: ServerInThread
):
    of_smith = owned_nodes(scene_of(opened))
    clinic.patient = JONES
    with ServerInThread(clinic) as other:
        connect(opened, other).list_images()
        opened.load_image("0")
        assert not any("Jones" in parents(node) for node in of_smith)
        assert marks(scene_of(opened)) == {'["P-1", "Smith"]'}
        assert opened.told == []


def test_a_list_that_comes_later_than_the_plan_says_whose_it_is(
    unconnected: Browser, scene: slicer.vtkMRMLScene, clinic_server: ServerInThread
):
    get_overlays(connect(unconnected, clinic_server))
    assert marks(scene) == {None}
    unconnected.list_images()
    assert marks(scene) == {'["P-1", "Smith"]'}


def test_a_line_that_the_user_has_removed_says_so_when_it_has_come_again(
    unconnected: Browser, scene: slicer.vtkMRMLScene, clinic_server: ServerInThread
):
    connect(unconnected, clinic_server).list_images()
    for _ in range(2):
        (line,) = unconnected.load_trajectories()
        assert line.GetAttribute(PATIENT_ATTRIBUTE) == '["P-1", "Smith"]'
        scene.RemoveNode(line)


def test_an_id_that_is_given_to_the_patient_later_is_known_then(
    unconnected: Browser, scene: slicer.vtkMRMLScene, clinic: Clinic, clinic_server: ServerInThread
):
    clinic.patient = ("", "Smith")
    connect(unconnected, clinic_server).list_images()
    get_overlays(unconnected)
    clinic.patient = SMITH
    unconnected.list_images()
    assert marks(scene) == {'["P-1", "Smith"]'}


def test_of_two_patients_in_one_scene_each_has_the_own_plan(
    saved: Load, clinic: Clinic, clinic_server: ServerInThread, tmp_path: Path
):
    """Given two scenes that are opened one after the other: the second has a plan of Jones."""
    scene = saved()
    later = Browser(slicer.vtkMRMLScene())
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene_of(later))
    clinic.patient = JONES
    clinic.trajectories = lambda: [codec.TrajectoryItem("Right", owner="0", entry=(0, 0, 9))]
    connect(later, clinic_server).list_images()
    later.load_trajectories()
    later.close()
    (tmp_path / "Jones").mkdir()
    browser = Browser(scene)
    load_scene(scene, save_scene(scene_of(later), tmp_path / "Jones"))
    connect(browser, clinic_server).list_images()
    browser.load_image("0")
    assert {node.GetName(): "Jones" in parents(node) for node in owned_nodes(scene)} == {
        "Left": False,
        "Points": False,
        "Tumor": False,
        "Right": True,
    }
    browser.close()


# Hidden patients


def saved_while_hidden(browser: Browser, clinic_server: ServerInThread, folder: Path) -> Path:
    browser.patients.hide()
    connect(browser, clinic_server).list_images()
    get_overlays(browser)
    browser.disconnect()
    return save_scene(scene_of(browser), folder)


@pytest.fixture
def another_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forget what only the memory of a process has."""
    return lambda: monkeypatch.setattr(hidden_patients, "_patients_of_uids", {})


def test_nothing_of_a_hidden_patient_is_written(
    unconnected: Browser, clinic_server: ServerInThread, tmp_path: Path
):
    """Nor is the same written for the same patient in another session."""
    text = saved_while_hidden(unconnected, clinic_server, tmp_path).read_text()
    assert PATIENT_ATTRIBUTE in text
    assert not any(word in text for word in SMITH)
    other = Browser(slicer.vtkMRMLScene())
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene_of(other))
    saved_while_hidden(other, clinic_server, tmp_path)
    assert marks(scene_of(other)).isdisjoint(marks(scene_of(unconnected)))
    other.close()


@pytest.mark.parametrize("patient", [SMITH, JONES], ids=str)
@pytest.mark.parametrize("is_list_first", [True, False])
def test_of_a_patient_who_was_hidden_in_another_session_nobody_can_tell_who_it_was(
    patient: tuple[str, str],
    is_list_first: bool,
    unconnected: Browser,
    clinic: Clinic,
    clinic_server: ServerInThread,
    tmp_path: Path,
    another_process: Callable[[], None],
):
    """So what belonged to that patient's image stands beside none."""
    path = saved_while_hidden(unconnected, clinic_server, tmp_path)
    another_process()
    scene_of(unconnected).Clear()
    unconnected.patients.hide(False)
    load_scene(scene_of(unconnected), path)
    nodes = owned_nodes(scene_of(unconnected))
    told: list = []
    unconnected.add_observer(told.append, Failed)
    clinic.patient = patient
    connect(unconnected, clinic_server)
    if is_list_first:
        unconnected.list_images()
    assert unconnected.load_trajectories()[0] not in nodes
    assert_is_left_alone(nodes, unconnected.load_image("0"))
    assert len(told) == 1


@pytest.mark.parametrize("patient", [SMITH, JONES], ids=str)
def test_in_the_same_session_it_is_known(
    patient: tuple[str, str],
    unconnected: Browser,
    clinic: Clinic,
    clinic_server: ServerInThread,
    tmp_path: Path,
):
    path = saved_while_hidden(unconnected, clinic_server, tmp_path)
    scene_of(unconnected).Clear()
    load_scene(scene_of(unconnected), path)
    line = owned_nodes(scene_of(unconnected))[0]
    clinic.patient = patient
    connect(unconnected, clinic_server).list_images()
    unconnected.load_image("0")
    assert (unconnected.load_trajectories() == [line]) is (patient == SMITH)


def test_hiding_the_patients_hides_them_in_what_is_there(opened: Browser):
    scene = scene_of(opened)
    opened.patients.hide()
    (hidden,) = marks(scene)
    assert hidden.startswith("hidden ")
    opened.patients.hide(False)
    assert marks(scene) == {'["P-1", "Smith"]'}


def test_a_scene_that_is_opened_while_patients_are_hidden(
    saved: Load,
    unconnected: Browser,
    scene: slicer.vtkMRMLScene,
    clinic,
    clinic_server,
    tmp_path: Path,
):
    path = save_scene(scene, tmp_path)
    scene.Clear()
    unconnected.patients.hide()
    load_scene(scene, path)
    (hidden,) = marks(scene)
    assert hidden.startswith("hidden ")
    told: list = []
    unconnected.add_observer(told.append, Failed)
    of_smith = owned_nodes(scene)
    clinic.patient = JONES
    connect(unconnected, clinic_server).list_images()
    image = unconnected.load_image("0")
    assert not any(image.GetName() in parents(node) for node in of_smith)
    assert not any(word in str(one.error) for one in told for word in (*SMITH, *JONES))


def test_what_another_window_has_hidden_stays_hidden_and_known(
    unconnected: Browser, scene: slicer.vtkMRMLScene, clinic_server: ServerInThread
):
    """Such as the panel; the script shows its patients."""
    script = Browser(scene)
    unconnected.patients.hide()
    connect(unconnected, clinic_server).list_images()
    get_overlays(unconnected)
    script.patients.hide()
    script.patients.hide(False)
    assert all(mark.startswith("hidden ") for mark in marks(scene))
    connect(script, clinic_server).list_images()
    image = script.load_image("0")
    assert all(image.GetName() in parents(node) for node in owned_nodes(scene)[2:])
    script.close()
