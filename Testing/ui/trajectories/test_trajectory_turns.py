"""While many trajectories come into the scene, the window answers and the views wait."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QTimer

from helpers.peers import PATIENCE, ScriptedServer
from helpers.plans import LENGTH, SHOWN, line
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.scene.markups import trajectory_nodes
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet


@pytest.fixture
def pauses(slicer_host, monkeypatch):
    """When drawing was paused (True), and when it went on (False); a busy machine takes long."""
    monkeypatch.setattr(trajectory_nodes, "_LONGEST_PAUSE", PATIENCE)
    pauses = []
    monkeypatch.setattr(slicer_host.app.layoutManager(), "setRenderPaused", pauses.append)
    return pauses


def test_views_are_drawn_once_and_the_event_loop_turns_meanwhile(plan, pauses):
    planner = plan(line("First"))
    pauses.clear()
    beats, timer = [], QTimer()
    timer.timeout.connect(lambda: beats.append(len(planner.scene.nodes)))
    timer.start(0)
    planner.source.plans = [line(f"T{number}") for number in range(150)]
    planner.get()
    timer.stop()
    assert len(planner.scene.nodes) == 150
    assert pauses == [True, False]
    assert len({count for count in beats if 0 < count < 150}) > 3


def test_leaving_the_module_in_the_middle_lets_the_views_be_drawn(plan, pauses):
    planner = plan(line("First"))
    pauses.clear()
    planner.source.plans = [line(f"T{number}") for number in range(150)]
    planner.user.press(planner.ui.trajectoriesButton)
    planner.user.wait_for(lambda: len(planner.scene.nodes) > 2, "some of them")
    assert pauses == [True]
    planner.user.module.cleanup()
    assert pauses == [True, False]


def test_a_stream_leaves_rows_and_selection(plan):
    planner = plan(line("1"), line("2"))
    planner.select("2")
    resets = []
    planner.model.modelReset.connect(lambda: resets.append(1))
    planner.source.plans[0] = line("1", target=(0.0, 0.0, 0.5))
    planner.get()
    assert planner.cell(0, SHOWN) == ""
    assert tuple(planner.node("1").GetNthControlPointPosition(1)) == (0, 0, 0.5)
    assert resets == []
    assert planner.selected() == ["2"]


def test_of_a_stream_only_the_cells_that_look_otherwise_now_are_painted(plan):
    planner = plan(line("1"), line("2"), line("3"))
    planner.view.grab()
    painted = []
    planner.model.dataChanged.connect(
        lambda first, last: painted.append((first.row(), first.column(), first == last))
    )
    longer = line("2", target=(10.0, 20.0, 20.0))
    message = codec.TrajectoryMessage(items=[line("1"), longer, line("3")])
    planner.scene.on_trajectories(message, is_answer=False)
    planner.user.wait_for(lambda: painted, "the table to follow")
    assert painted == [(1, LENGTH, True)]
    assert planner.cell(1, LENGTH) == "110.0 mm"


def test_a_stream_does_not_hide_what_else_is_to_be_read(user):
    def push(peer):
        peer.receive()  # the list is asked for
        peer.send(codec.ImageMetaMessage(), codec.TrajectoryMessage([line("1")]))
        peer.receive()  # the points
        peer.send(codec.PointMessage(items=[codec.PointItem(name="Nasion")]))
        moved = line("1", target=(0.0, 0.0, 0.5))
        peer.send(codec.TrajectoryMessage([moved]))
        peer.wait_until_closed()

    with ScriptedServer(push) as server:
        user.connect_to(server.port)
        user.wait_for_status("One trajectory is shown.")
        user.press(user.ui.pointsButton)
        (node,) = user.panel.browser.trajectories.nodes
        place = (0, 0, 0.5)
        user.wait_for(lambda: node.GetNthControlPointPosition(1) == place, "the moved line")
        assert user.status == "One point is shown."
        user.press(user.ui.connectButton)


def test_what_takes_long_is_drawn_now_and_then(plan, pauses, monkeypatch):
    planner = plan(line("First"))
    pauses.clear()
    monkeypatch.setattr(trajectory_nodes, "_LONGEST_PAUSE", 0.0)
    planner.source.plans = [line(f"T{number}") for number in range(60)]
    planner.get()
    assert len(pauses) > 4
    assert pauses == [True, False] * (len(pauses) // 2)


def test_a_failure_in_the_middle_lets_the_views_be_drawn(plan, pauses, slot_errors, monkeypatch):
    planner = plan(line("First"))
    pauses.clear()
    planner.source.plans = [line(f"T{number}") for number in range(20)]
    with monkeypatch.context() as broken:
        broken.setattr(TrajectorySet, "_place", lambda *_: 1 / 0)
        planner.user.press(planner.ui.trajectoriesButton)
        planner.user.wait_for(lambda: slot_errors, "the failure")
        assert pauses[-1] is False
    planner.user.wait_for(lambda: planner.is_seen("T19"), "the others")
    assert {type(error) for error in slot_errors} == {ZeroDivisionError}
    slot_errors.clear()


def test_views_are_drawn_once_as_many_are_hidden_shown_or_removed(plan, pauses):
    planner = plan(*(line(f"T{number}") for number in range(5)))
    planner.view.selectAll()
    for button in (planner.ui.hideTrajectoriesButton, planner.ui.showTrajectoriesButton):
        pauses.clear()
        planner.user.press(button)
        assert pauses == [True, False]
    planner.source.plans = planner.source.plans[:1]
    planner.get()
    pauses.clear()
    planner.user.press(planner.ui.removeGoneButton)
    assert pauses == [True, False]
    assert len(planner.scene.nodes) == 1


def test_views_are_drawn_once_as_many_follow_their_image(plan, pauses, slicer_host):
    planner = plan(*(line(f"T{number}", owner="A") for number in range(5)))
    planner.user.select("A")
    planner.user.press(planner.ui.loadButton)
    planner.user.wait_for_status("'Image A' is loaded")
    transform = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    pauses.clear()
    slicer_host.util.getNode("Image A").SetAndObserveTransformNodeID(transform.GetID())
    assert planner.node("T4").GetTransformNodeID() == transform.GetID()
    assert pauses == [True, False]
