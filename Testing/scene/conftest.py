"""The scene's subject hierarchy, and the volumes that images are loaded into."""

from __future__ import annotations

from typing import Any

import pytest
import slicer


@pytest.fixture
def hierarchy(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLSubjectHierarchyNode:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


@pytest.fixture
def images() -> dict[str, Any]:
    """The volumes that are loaded, by their ids."""
    return {}
