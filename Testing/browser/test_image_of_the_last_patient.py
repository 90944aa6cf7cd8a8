"""The scene still has the last patient's image under an id that the list gives to the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import slicer

from helpers.one_patient import JONES, Clinic, connect
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib.browser.browser import Browser


@pytest.fixture
def of_smith(unconnected: Browser, clinic: Clinic, clinic_server: ServerInThread) -> Browser:
    """Has the image of Smith, who says so."""
    clinic.is_said = True
    connect(unconnected, clinic_server).list_images()
    unconnected.load_image("0")
    return unconnected


def next_patient(browser: Browser, clinic: Clinic) -> None:
    clinic.patient = JONES
    browser.list_images()


def test_a_spacing_of_the_next_ones_is_not_given_to_it(of_smith: Browser, clinic: Clinic) -> None:
    volume = of_smith.images.node("0")
    next_patient(of_smith, clinic)
    of_smith.metadata.calibrate("0", (0.5, 0.5))
    assert volume.GetSpacing() == (1.0, 1.0, 1.0)
    assert of_smith.load_image("0").GetSpacing() == (0.5, 0.5, 1.0)


@pytest.fixture
def roi(scene: Any) -> Any:
    """Around the image where the server has it."""
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    node.SetCenter(1, 0, 0)
    node.SetSize(3, 3, 3)
    return node


@pytest.fixture(params=[False, True], ids=["under a transform", "hardened"])
def move(of_smith: Browser, scene: Any, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Moves the image of Smith by 100 mm, by a transform that is hardened or not."""

    def move() -> None:
        matrix = np.eye(4)
        matrix[0, 3] = 100.0
        transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        volume = of_smith.images.node("0")
        volume.SetAndObserveTransformNodeID(transform.GetID())
        if request.param:
            volume.HardenTransform()

    return move


def left_and_right(node: Any) -> list[float]:
    bounds = np.zeros(6)
    node.GetRASBounds(bounds)
    return bounds[:2].tolist()


WHERE_THE_SERVER_HAS_IT = [-0.5, 2.5]


def test_the_image_of_the_next_one_is_not_moved_as_it(
    of_smith: Browser, clinic: Clinic, move: Callable[[], None]
) -> None:
    move()
    next_patient(of_smith, clinic)
    assert left_and_right(of_smith.load_image("0")) == WHERE_THE_SERVER_HAS_IT


def test_an_image_of_the_same_one_is_however_the_name_is_written(
    of_smith: Browser, scene: Any
) -> None:
    volume = of_smith.images.node("0")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    of_smith.metadata.set_value("0", "PatientName", "Smith^John")
    assert of_smith.load_image("0").GetParentTransformNode() is transform


@pytest.mark.parametrize("has_region", [False, True], ids=["the first", "one of both"])
def test_nor_is_a_region_of_the_next_ones(
    of_smith: Browser, clinic: Clinic, roi: Any, move: Callable[[], None], has_region: bool
) -> None:
    if has_region:
        of_smith.load_region("0", roi)
    move()
    roi.SetCenter(101, 0, 0)
    moved = of_smith.load_region("0", roi) if has_region else None
    next_patient(of_smith, clinic)
    roi.SetCenter(1, 0, 0)
    region = of_smith.load_region("0", roi)
    assert moved in (None, region)
    assert left_and_right(region) == WHERE_THE_SERVER_HAS_IT


def test_a_region_of_the_last_ones_stays_where_it_is(
    of_smith: Browser, clinic: Clinic, roi: Any, move: Callable[[], None]
) -> None:
    region = of_smith.load_region("0", roi)
    move()
    where = left_and_right(region)
    assert where == [99.5, 102.5]
    next_patient(of_smith, clinic)
    of_smith.load_image("0")
    assert left_and_right(region) == where


def test_nor_is_one_called_as_the_user_calls_the_last_ones(
    of_smith: Browser, clinic: Clinic, roi: Any
) -> None:
    region = of_smith.load_region("0", roi)
    region.SetName("Tumor of Smith")
    assert of_smith.load_region("0", roi).GetName() == "Tumor of Smith"
    next_patient(of_smith, clinic)
    assert of_smith.load_region("0", roi).GetName() == "Head (region)"
