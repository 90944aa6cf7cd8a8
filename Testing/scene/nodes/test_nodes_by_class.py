"""Looking through a scene of thousands of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from helpers.counted_calls import counted_calls
from IGTLMetaBrowserLib.scene.hidden_patients.patient_marks import nodes_and_copies
from IGTLMetaBrowserLib.scene.images.sequence import SequenceFrames
from IGTLMetaBrowserLib.scene.label_maps.outgoing_labels import storable_nodes
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet
from IGTLMetaBrowserLib.scene.nodes.nodes_by_class import visible_nodes
from IGTLMetaBrowserLib.scene.slice_layers import hide_in_layers
from IGTLMetaBrowserLib.sources.scene import SceneSource

LOOKS: dict[str, Callable[[Any], Any]] = {
    "adopt": lambda scene: TrajectorySet(scene, server="host:1").adopt(),
    "images": lambda scene: SceneSource(scene).images(),
    "trajectories": lambda scene: SceneSource(scene).trajectories(),
    "storable": storable_nodes,
    "patients": lambda scene: [*nodes_and_copies(scene)],
    "sequences": lambda scene: SequenceFrames(scene).adopt("host:1"),
    "layers": lambda scene: hide_in_layers(scene, scene.GetFirstNode()),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_no_node_is_counted_from_the_first_one(scene: Any, look: Callable[[Any], Any]) -> None:
    """As MRML does for each that it is asked for by its number."""
    for _ in range(3):
        scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    with counted_calls() as counts:
        look(scene)
    assert counts["GetNodesByClass"] >= 1
    assert counts["GetNthNode"] == counts["GetNthNodeByClass"] == 0


def test_those_that_are_seen_come_in_the_scenes_order(scene: Any) -> None:
    names = ["vtkMRMLMarkupsLineNode", "vtkMRMLScalarVolumeNode", "vtkMRMLMarkupsLineNode"]
    nodes = [scene.AddNewNodeByClass(name) for name in (*names, "vtkMRMLVectorVolumeNode")]
    assert visible_nodes(scene, *names) == nodes[:3]
