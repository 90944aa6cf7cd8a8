"""What counts for the limits of what clients push: what is shown, or waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import slicer

from helpers.counted_calls import counted_calls
from helpers.peers import TRAJECTORY
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.markups import received_plans
from IGTLMetaBrowserLib.scene.markups.received_plans import ReceivedPlans

LINE = "vtkMRMLMarkupsLineNode"
MOST_CALLS = 120_000


@pytest.fixture
def plans(scene: slicer.vtkMRMLScene, monkeypatch: pytest.MonkeyPatch) -> ReceivedPlans:
    """Keeps three trajectories, of two clients."""
    monkeypatch.setattr(received_plans, "MOST_TRAJECTORIES", 3)
    monkeypatch.setattr(received_plans, "MOST_NAMES", 2)
    return ReceivedPlans(scene, lambda *_: None, lambda *_: None)


def plan(client: str, names: Sequence[str]) -> codec.TrajectoryMessage:
    items = [replace(TRAJECTORY, owner="", name=name) for name in names]
    return codec.TrajectoryMessage(items, device_name=client)


def show(plans: ReceivedPlans, message: codec.Message) -> None:
    plans.handle(message)
    while plans.next_turn is not None:
        plans.work()


def nodes(scene: slicer.vtkMRMLScene, class_name: str = LINE) -> list[slicer.vtkMRMLMarkupsNode]:
    count = scene.GetNumberOfNodesByClass(class_name)
    return [scene.GetNthNodeByClass(number, class_name) for number in range(count)]


def lines(scene: slicer.vtkMRMLScene) -> dict[str, slicer.vtkMRMLMarkupsNode]:
    return {node.GetName(): node for node in nodes(scene)}


def test_what_is_not_a_plan_does_not_use_up_the_names(plans, scene):
    for number in range(3):
        with pytest.raises(SceneError, match="only trajectories and points"):
            plans.handle(codec.StatusMessage(device_name=f"Tracker {number}"))
    show(plans, plan("Surgeon", ["1"]))
    assert list(lines(scene)) == ["1"]


def test_a_refused_plan_does_not_use_up_the_names(plans, scene):
    for number in range(3):
        with pytest.raises(SceneError, match="more than 3 trajectories"):
            plans.handle(plan(f"Robot {number}", "1234"))
    show(plans, plan("Planner", ["a", "b"]))
    for number in range(3):
        with pytest.raises(SceneError, match="more than 3 trajectories"):
            plans.handle(plan(f"Robot {number}", "12"))
    show(plans, plan("Surgeon", ["1"]))
    assert list(lines(scene)) == ["a", "b", "1"]


def test_lines_that_the_user_has_removed_do_not_count(plans, scene):
    show(plans, plan("Robot", "123"))
    with pytest.raises(SceneError, match="more than 3 trajectories"):
        plans.handle(plan("Surgeon", "a"))
    scene.RemoveNode(lines(scene)["2"])
    show(plans, plan("Surgeon", "a"))
    assert list(lines(scene)) == ["1", "3", "a"]
    # Those that are left are still known: they move, and no others are made.
    with pytest.raises(SceneError, match="more than 3 trajectories"):
        plans.handle(plan("Robot", "123"))
    show(plans, plan("Robot", "13"))
    assert list(lines(scene)) == ["1", "3", "a"]


def test_of_namesakes_one_that_is_shown_stays(plans, scene, monkeypatch):
    """Namesakes are told apart by their order: without the first, the second would be the first."""
    monkeypatch.setattr(received_plans, "MOST_TRAJECTORIES", 4)
    show(plans, plan("Robot", "1123"))
    first, second, *others = nodes(scene)
    for removed in (first, *others):
        scene.RemoveNode(removed)
    show(plans, plan("Surgeon", "a"))
    show(plans, plan("Robot", "4"))
    assert second in nodes(scene)
    assert [name[0] for name in lines(scene)] == ["1", "a", "4"]


def test_clients_of_which_nothing_is_left_do_not_count(plans, scene):
    show(plans, plan("Robot", "1"))
    show(plans, codec.PointMessage([codec.PointItem("Nasion")], device_name="Tracker"))
    with pytest.raises(SceneError, match="2 device names"):
        plans.handle(plan("Surgeon", "a"))
    (points,) = nodes(scene, "vtkMRMLMarkupsFiducialNode")
    scene.RemoveNode(points)
    show(plans, plan("Surgeon", "a"))
    with pytest.raises(SceneError, match="2 device names"):
        plans.handle(plan("Another", "b"))
    scene.RemoveNode(lines(scene)["1"])
    show(plans, plan("Another", "b"))
    assert list(lines(scene)) == ["a", "b"]


def test_each_message_is_handled_in_a_short_step(scene):
    """The first with as many as are kept; then one, again and again, of which all are looked at."""
    plans = ReceivedPlans(scene, lambda *_: None, lambda *_: None)
    names = [f"Line {number}" for number in range(received_plans.MOST_TRAJECTORIES)]
    for message in (plan("Robot", names), plan("Robot", names[-1:])):
        came = codec.unpack(codec.pack(message))
        with counted_calls() as counts:
            plans.handle(came)
        assert counts.total() < MOST_CALLS
        while plans.next_turn is not None:
            with counted_calls() as counts:
                plans.work()
            assert counts.total() < MOST_CALLS
