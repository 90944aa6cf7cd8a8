"""From a server's trajectories to markups in the scene."""

from __future__ import annotations

from dataclasses import replace

from helpers.hospital import DRAIN, points, step_until_event
from helpers.one_patient import Clinic, connect
from helpers.peers import TRAJECTORY, ScriptedServer, ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.events import TrajectoriesShown


def test_trajectories_become_markups(browser, events):
    nodes = browser.load_trajectories()
    assert [node.GetName() for node in nodes] == ["Left electrode", "Drain"]
    assert points(nodes[0]) == [(10, 20, 30), (-1.5, 0, 8.25)]
    assert events[-1] == TrajectoriesShown(nodes, [])


def test_trajectories_that_come_again_move_their_nodes(browser, hospital, scene):
    first = browser.load_trajectories()
    hospital.trajectories_ = [replace(DRAIN, entry=(7.0, 8.0, 9.0)), TRAJECTORY]
    second = browser.load_trajectories()
    assert second == [first[1], first[0]]
    assert points(first[1]) == [(7, 8, 9), (1, 2, 3)]
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 2


def test_trajectories_that_are_called_the_same_are_all_shown(browser, hospital):
    hospital.trajectories_ = [TRAJECTORY, replace(TRAJECTORY, entry=(1.0, 1.0, 1.0))]
    first, second = browser.load_trajectories()
    assert points(first)[0] == (10, 20, 30)
    assert points(second)[0] == (1, 1, 1)
    assert browser.load_trajectories() == [first, second]


def test_a_trajectory_that_the_user_deleted_comes_back(browser, scene):
    first, second = browser.load_trajectories()
    scene.RemoveNode(first)
    new, same = browser.load_trajectories()
    assert same is second
    assert new.GetScene() is scene


def test_a_trajectory_that_cannot_be_shown_is_a_problem_and_the_others_are_shown(
    browser, hospital, events
):
    hospital.trajectories_ = [replace(DRAIN, type=9), TRAJECTORY]
    (node,) = browser.load_trajectories()
    assert node.GetName() == "Left electrode"
    (problem,) = events[-1].problems
    assert "'Drain' has the type 9" in problem


def test_trajectories_that_a_server_pushes_are_shown(unconnected, events):
    def push(peer):
        peer.send(codec.TrajectoryMessage(items=[DRAIN]))
        peer.wait_until_closed()

    with ScriptedServer(push) as server:
        unconnected.connect("127.0.0.1", server.port)
        shown = step_until_event(unconnected, events, TrajectoriesShown)
        unconnected.disconnect()
    assert shown.nodes[0].GetName() == "Drain"


def test_what_is_said_of_a_list_is_not_said_of_another_server_s(unconnected, events):
    def push(peer):
        peer.send(codec.TrajectoryMessage(items=[DRAIN]))
        peer.wait_until_closed()

    clinic = Clinic()
    clinic.notice_of_missing = lambda data_type: "some are missing"
    with ServerInThread(clinic) as server, ScriptedServer(push) as other:
        connect(unconnected, server).load_trajectories()
        assert unconnected.trajectories.documents.notice_of_list == "some are missing"
        events.clear()
        unconnected.connect("127.0.0.1", other.port)
        step_until_event(unconnected, events, TrajectoriesShown)
        assert unconnected.trajectories.documents.notice_of_list == ""
        unconnected.disconnect()


def test_in_a_new_scene_trajectories_get_new_nodes(browser, scene):
    old = browser.load_trajectories()
    scene.Clear()
    new = browser.load_trajectories()
    assert [node.GetName() for node in new] == ["Left electrode", "Drain"]
    assert not set(old) & set(new)
