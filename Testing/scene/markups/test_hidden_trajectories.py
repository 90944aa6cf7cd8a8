"""Trajectories that nobody sees: they follow what the server says without their views' notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.trajectory_sets import DRAIN, LINE, entry, many, receive, stream
from IGTLMetaBrowserLib.codec import TrajectoryType
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet


@pytest.fixture
def trajectories(scene) -> TrajectorySet:
    return TrajectorySet(scene)


def notifications(node):
    """What observers of a node, such as its views, are notified of from now on."""
    seen = []
    for event in ("ModifiedEvent", node.PointModifiedEvent):
        node.AddObserver(event, lambda _node, _event: seen.append(_event))
    return seen


def test_a_hidden_line_moves_without_its_views_being_notified_until_it_is_shown(trajectories):
    (node,) = receive(trajectories, LINE)
    trajectories.hide(trajectories.trajectories)
    seen = notifications(node)
    for x in (7, 8, 9):
        receive(trajectories, replace(LINE, entry=(x, 0, 0)))
        assert entry(node) == (x, 0, 0)  # for who asks, as when the scene is saved
    assert seen == []
    node.SetDisplayVisibility(True)  # as by the eye in the tree of the scene
    assert len(seen) == 1
    receive(trajectories, replace(LINE, entry=(1, 1, 1)))
    assert len(seen) == 2


def test_in_a_stream_hidden_lines_follow_only_when_there_is_time(trajectories):
    stream(trajectories, LINE, DRAIN)
    line, drain = trajectories.nodes
    trajectories.hide(trajectories.trajectories[:1])
    for x in (7.0, 8.0, 9.0):
        stream(trajectories, replace(LINE, entry=(x, 0, 0)), replace(DRAIN, entry=(x, 0, 0)))
    assert (entry(line), entry(drain)) == ((1, 2, 3), (9, 0, 0))
    assert trajectories.hidden_waiting == 1
    trajectories.follow_hidden()
    assert entry(line) == (9, 0, 0)
    assert trajectories.hidden_waiting == 0


def test_a_hidden_line_of_a_stream_is_where_it_belongs_as_soon_as_it_is_seen(trajectories):
    stream(trajectories, LINE)
    (node,) = trajectories.nodes
    trajectories.hide(trajectories.trajectories)
    stream(trajectories, replace(LINE, entry=(7, 0, 0)))
    seen = notifications(node)
    node.SetDisplayVisibility(True)
    assert entry(node) == (7, 0, 0)
    assert seen
    assert trajectories.hidden_waiting == 0


def test_a_place_that_is_asked_for_is_that_of_the_last_message(trajectories):
    stream(trajectories, LINE)
    trajectories.hide(trajectories.trajectories)
    stream(trajectories, replace(LINE, entry=(7, 0, 0)))
    (one,) = trajectories.trajectories
    assert trajectories.world_points(one)[0] == (7, 0, 0)


def test_lines_that_nobody_sees_follow_in_turn_while_the_stream_goes_on(trajectories):
    stream(trajectories, *many(4))
    trajectories.hide(trajectories.trajectories)
    for height in (1.0, 2.0, 3.0, 4.0):
        stream(trajectories, *(replace(one, target=(0, 0, height)) for one in many(4)))
        trajectories.follow_hidden(1)
    heights = [node.GetNthControlPointPosition(1)[2] for node in trajectories.nodes]
    assert sorted(heights) == [1, 2, 3, 4]  # and not the same one four times


def test_a_trajectory_is_what_the_last_message_says_whoever_looks_at_it(trajectories):
    stream(trajectories, LINE, DRAIN)
    line, drain = trajectories.trajectories
    stream(trajectories, replace(LINE, entry=(7, 0, 0)), DRAIN)
    assert line.item.entry == (7, 0, 0)
    stream(trajectories, replace(LINE, entry=(8, 0, 0)), replace(DRAIN, type=7))
    stream(trajectories, replace(LINE, entry=(9, 0, 0)), replace(DRAIN, type=7))
    assert line.item.entry == line.shown.points[0][1] == (9, 0, 0)
    assert "type 7" in drain.problem
    stream(trajectories, DRAIN)  # the line is gone: it stays what it was
    assert line.item.entry == (9, 0, 0)
    assert drain.problem == ""


def test_a_stream_that_brings_others_makes_and_removes_their_lines(trajectories):
    stream(trajectories, LINE, DRAIN)
    stream(trajectories, LINE, replace(DRAIN, name="Second drain", type=TrajectoryType.ENTRY))
    assert [node.GetName() for node in trajectories.nodes] == ["Left electrode", "Second drain"]
    stream(trajectories, LINE)
    assert [node.GetName() for node in trajectories.nodes] == ["Left electrode"]
    assert trajectories.gone == []


def test_a_hidden_line_that_the_user_changes_notifies_as_ever(trajectories):
    (node,) = receive(trajectories, LINE)
    trajectories.hide(trajectories.trajectories)
    receive(trajectories, replace(LINE, entry=(7, 0, 0)))
    seen = notifications(node)
    node.SetNthControlPointPosition(0, 5, 5, 5)
    assert seen


def test_a_hidden_line_that_is_removed_leaves_nothing_behind(scene, trajectories):
    (node,) = receive(trajectories, LINE)
    trajectories.hide(trajectories.trajectories)
    receive(trajectories, replace(LINE, entry=(7, 0, 0)))
    scene.RemoveNode(node)
    del node
    (node,) = receive(trajectories, replace(LINE, entry=(8, 0, 0)))
    assert entry(node) == (8, 0, 0)
