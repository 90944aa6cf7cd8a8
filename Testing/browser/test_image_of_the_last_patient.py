"""The scene still has the last patient's image under an id that the list gives to the next one."""

from __future__ import annotations

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


@pytest.mark.parametrize("is_hardened", [False, True])
def test_a_region_of_the_next_ones_is_not_moved_as_it(
    of_smith: Browser, clinic: Clinic, scene: Any, roi: Any, is_hardened: bool
) -> None:
    matrix = np.eye(4)
    matrix[0, 3] = 100.0
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    volume = of_smith.images.node("0")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    if is_hardened:
        volume.HardenTransform()
    next_patient(of_smith, clinic)
    bounds = np.zeros(6)
    of_smith.load_region("0", roi).GetRASBounds(bounds)
    assert bounds[:2].tolist() == [-0.5, 2.5]


def test_nor_is_it_called_as_the_user_calls_the_last_ones(
    of_smith: Browser, clinic: Clinic, roi: Any
) -> None:
    region = of_smith.load_region("0", roi)
    region.SetName("Tumor of Smith")
    assert of_smith.load_region("0", roi).GetName() == "Tumor of Smith"
    next_patient(of_smith, clinic)
    assert of_smith.load_region("0", roi).GetName() == "Head (region)"
