"""A scene view is restored that holds a node which has become the user's own since."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.one_patient import JONES, Clinic, connect, owned_nodes
from helpers.peers import ServerInThread
from helpers.saved_scene import load_scene, save_scene
from helpers.scene_views import store_view, views
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.scene.server_nodes.attributes import (
    IMAGE_ID_ATTRIBUTE,
    KEY_ATTRIBUTE,
)

__all__ = ["views"]


@pytest.fixture
def browser(unconnected: Browser, clinic_server: ServerInThread) -> Browser:
    connect(unconnected, clinic_server).list_images()
    return unconnected


def restore_all(views) -> None:
    for number in range(views.GetNumberOfSceneViews()):
        views.RestoreSceneView(number)


def test_a_copy_that_came_with_a_scene(browser: Browser, views, tmp_path: Path) -> None:
    """Or the server's image would come into it once the first one is removed."""
    volume = browser.load_image("0")
    store_view(views, volume)
    path = save_scene(browser.scene, tmp_path)
    load_scene(browser.scene, path)
    restore_all(views)
    volumes = browser.scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    volumes.UnRegister(None)
    assert [one for one in volumes if one.GetAttribute(IMAGE_ID_ATTRIBUTE)] == [volume]


def test_a_volume_whose_id_is_a_label_map_s_now(browser: Browser, views) -> None:
    volume = browser.load_image("0")
    store_view(views, volume)
    browser._in_scene.volumes.release_volume("0")
    again = browser.load_image("0")
    restore_all(views)
    assert volume.GetAttribute(IMAGE_ID_ATTRIBUTE) is None
    assert browser.images.node("0") is again is not volume


def test_the_plan_of_the_patient_before(
    browser: Browser, views, clinic: Clinic, clinic_server: ServerInThread
) -> None:
    """It would belong to the next patient's image."""
    browser.load_image("0")
    (plan,) = browser.load_trajectories()
    store_view(views, plan)
    clinic.patient = JONES
    connect(browser, clinic_server).list_images()
    assert plan.GetAttribute(KEY_ATTRIBUTE) is None
    restore_all(views)
    assert plan.GetAttribute(KEY_ATTRIBUTE) is None
    browser.load_image("0")
    (next_plan,) = browser.load_trajectories()
    assert next_plan is not plan
    assert owned_nodes(browser.scene) == [plan, next_plan]
