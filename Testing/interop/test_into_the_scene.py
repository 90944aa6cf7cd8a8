"""The whole way: from the reference library's servers into a scene of Slicer."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from helpers.peers import PATIENCE, wait_for_socket
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import BrowserEvent, Disconnected, TrajectoriesShown
from interop import reference_library


@pytest.fixture
def browser(scene: Any):
    browser = Browser(scene)
    yield browser
    browser.disconnect()


def wait_for_event(browser: Browser, event_type: type[BrowserEvent]) -> Any:
    """Step a browser, as the window does, until such an event comes; return it."""
    heard: list[BrowserEvent] = []
    browser.add_observer(heard.append)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        wait_for_socket(browser)
        browser.step()
        for event in heard:
            if isinstance(event, event_type):
                browser.remove_observer(heard.append)
                return event
    raise AssertionError(f"no {event_type.__name__} came, but {heard}")


def test_all_three_images_become_volumes(browser: Browser, database_port: int):
    browser.connect("127.0.0.1", database_port)
    entries = browser.list_images()
    nodes = [browser.load_image(entry.id) for entry in entries]
    assert [node.GetName() for node in nodes] == [
        "IMAGE_DESCRIPTION_0",
        "IMAGE_DESCRIPTION_1",
        "IMAGE_DESCRIPTION_2",
    ]
    for number, node in enumerate(nodes):
        assert node.GetImageData().GetDimensions() == (256, 256, 1)
        voxels = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())
        assert voxels.dtype == np.uint8
        assert voxels.tobytes() == reference_library.raw_image(2 + number)
        assert node.GetSpacing() == (1, 1, 5)
        matrix = vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        assert matrix.MultiplyPoint((127.5, 127.5, 0, 1)) == (0, 0, 0, 1)
        assert node.GetAttribute("DICOM.PatientID") == f"PATIENT_ID_{number}"


def test_an_image_that_is_fetched_again_stays_one_volume(browser: Browser, database_port: int):
    browser.connect("127.0.0.1", database_port)
    assert browser.load_image("IMAGE_0") is browser.load_image("IMAGE_0")


def assert_targets_are_shown(shown: TrajectoriesShown) -> None:
    assert shown.problems == []
    assert [node.GetName() for node in shown.nodes] == [
        "TRAJECTORY_0",
        "TRAJECTORY_1",
        "TRAJECTORY_2",
    ]
    # The type says that only the target is planned.
    targets = [(20, 20, 40), (20, 30, 10), (10, 40, 20)]
    colors = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    for node, target, color in zip(shown.nodes, targets, colors, strict=True):
        assert node.IsA("vtkMRMLMarkupsFiducialNode")
        assert node.GetNumberOfControlPoints() == 1
        assert tuple(node.GetNthControlPointPositionWorld(0)) == target
        assert node.GetDisplayNode().GetSelectedColor() == color


def test_trajectories_that_are_pushed_are_shown(browser: Browser, trajectory_port: int):
    browser.connect("127.0.0.1", trajectory_port)
    assert_targets_are_shown(wait_for_event(browser, TrajectoriesShown))


def test_trajectories_stay_when_the_server_closes_and_move_when_they_come_again(
    browser: Browser, trajectory_port: int
):
    browser.connect("127.0.0.1", trajectory_port)
    shown = wait_for_event(browser, TrajectoriesShown)
    error = wait_for_event(browser, Disconnected).error
    assert "closed the connection" in str(error)
    assert_targets_are_shown(shown)
    nodes = browser.load_trajectories()
    assert list(nodes) == list(shown.nodes)
