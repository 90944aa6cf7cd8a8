"""The scene of Slicer, from slicer-core."""

from __future__ import annotations

import pytest
import slicer


@pytest.fixture
def scene() -> slicer.vtkMRMLScene:
    """An empty scene with the selection and interaction nodes that every scene of Slicer has."""
    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)  # adds them; markups look for them
    return scene
