"""Slicer's own scene views, and volumes that they hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import slicer
from vtkmodules.vtkCommonCore import vtkCollection


@pytest.fixture
def views(scene) -> Iterator[slicer.vtkSlicerSceneViewsModuleLogic]:
    """Slicer's own scene views."""
    application = slicer.vtkMRMLApplicationLogic()
    application.SetMRMLScene(scene)
    sequences = slicer.vtkSlicerSequencesLogic()
    logic = slicer.vtkSlicerSceneViewsModuleLogic()
    for module_logic in (sequences, logic):
        module_logic.SetMRMLApplicationLogic(application)
    application.SetModuleLogic("Sequences", sequences)
    sequences.SetMRMLScene(scene)
    logic.SetMRMLScene(scene)
    for one in (scene, application, sequences, logic):
        one.Register(None)  # never freed: without Slicer around them, that can end the process
    yield logic
    for module_logic in (logic, sequences):
        module_logic.SetMRMLScene(None)


def store_view(views, *nodes) -> None:
    picked = vtkCollection()
    for node in nodes:
        picked.AddItem(node)
    views.CreateSceneView(picked, "Before surgery")
