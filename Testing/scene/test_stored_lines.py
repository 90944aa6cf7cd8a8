"""Lines that the user has drawn and stored: the server has them now, and they are its own."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.codec import TrajectoryItem
from IGTLMetaBrowserLib.scene.markups.outgoing_markups import trajectory_item
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet

LINE = TrajectoryItem(name="Left electrode", entry=(1, 2, 3), target=(4, 5, 6))
DRAIN = TrajectoryItem(name="Drain", group="Drainage", entry=(7, 8, 9), target=(1, 1, 1))


@pytest.fixture
def trajectories(scene) -> TrajectorySet:
    return TrajectorySet(scene)


def receive(trajectories, *items):
    trajectories.receive(items)
    trajectories.finish()
    return trajectories.nodes


def draw(scene):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Drain")
    node.AddControlPoint(7, 8, 9)
    node.AddControlPoint(1, 1, 1)
    node.CreateDefaultDisplayNodes()  # as Slicer does when a line is drawn
    return node


def stored(node):
    """What a server has of a line after it was stored."""
    return trajectory_item(node, owner="")


def test_a_line_that_the_server_has_now_shows_its_trajectory(trajectories, scene):
    drawn = draw(scene)
    one = trajectories.own(drawn, stored(drawn))
    assert (trajectories.node(one), trajectories.nodes) == (drawn, [drawn])
    # Labeled as all others: only if it is selected, and without its length.
    assert not drawn.GetDisplayNode().GetPropertiesLabelVisibility()
    assert receive(trajectories, stored(drawn), LINE)[0] is drawn
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") == 2


def test_two_lines_of_one_name_are_two_trajectories(trajectories, scene):
    drawn = [draw(scene), draw(scene)]
    for node in drawn:
        trajectories.own(node, stored(node))
    assert receive(trajectories, *map(stored, drawn)) == drawn


def test_a_line_that_is_removed_before_the_next_answer_is_known_as_removed(trajectories, scene):
    drawn = draw(scene)
    one = trajectories.own(drawn, stored(drawn))
    assert not trajectories.is_removed(one)
    scene.RemoveNode(drawn)
    assert trajectories.is_removed(one)


def test_a_line_that_was_changed_while_it_was_stored_stays_the_users(trajectories, scene):
    drawn = draw(scene)
    drawn.SetNthControlPointPosition(1, 2, 2, 2)
    assert trajectories.own(drawn, DRAIN) is None
    entry = tuple(drawn.GetNthControlPointPosition(0))
    assert (trajectories.trajectories, entry) == ([], (7, 8, 9))
