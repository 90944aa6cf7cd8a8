"""Many trajectories come into the scene in short turns; calls of scripts wait for all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.hospital import DRAIN, of_type, points, step_until, step_until_event
from helpers.peers import TRAJECTORY, ScriptedServer
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.events import TrajectoriesChanged, TrajectoriesShown
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet

COUNT = 150


def many(height: float = 0.0) -> list[codec.TrajectoryItem]:
    return [
        replace(TRAJECTORY, name=f"T{number}", entry=(float(number), 0.0, height))
        for number in range(COUNT)
    ]


def lines(scene) -> int:
    return scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode")


def heights(browser) -> set[float]:
    return {points(node)[0][2] for node in browser.trajectories.nodes}


def wait_for_the_answer(browser):
    query = browser.trajectories.request()
    step_until(browser, lambda: query.is_done, "the answer")


def test_each_step_brings_some_of_them(browser, hospital, events, scene):
    hospital.trajectories_ = many()
    wait_for_the_answer(browser)
    assert [type(event) for event in events[-1:]] == [TrajectoriesChanged]
    assert len(browser.trajectories.markups.trajectories) == COUNT
    assert lines(scene) == 0  # the list alone can take a step
    counts = []
    while browser.trajectories.is_showing:
        # At once; or on a busy machine, when the views were drawn after a long pause.
        assert browser.next_deadline is not None
        browser.step()
        counts.append(lines(scene))
    assert counts == sorted(counts)
    assert len(counts) > 3
    (shown,) = of_type(events, TrajectoriesShown)
    assert len(shown.nodes) == COUNT == lines(scene)


def test_what_a_browser_brings_itself_is_not_looked_for_in_the_scene(
    browser, hospital, monkeypatch
):
    """That would be all of the scene in each step."""
    looked_for = []
    monkeypatch.setattr(browser.trajectories, "adopt", lambda: looked_for.append("lines"))
    hospital.trajectories_ = many()
    assert len(browser.load_trajectories()) == COUNT
    assert looked_for == []


def test_a_call_of_a_script_waits_until_all_are_there(browser, hospital, scene):
    hospital.trajectories_ = many()
    assert len(browser.load_trajectories()) == COUNT
    assert not browser.trajectories.is_showing
    assert browser.next_deadline is None


def test_an_answer_in_which_nothing_changed_is_told_at_once(browser, hospital, events):
    hospital.trajectories_ = many()
    first = browser.load_trajectories()
    touched = []
    for node in first:
        node.AddObserver("ModifiedEvent", lambda *_: touched.append(1))
    events.clear()
    assert browser.load_trajectories() == first
    assert touched == []
    assert len(of_type(events, TrajectoriesShown)) == 1


def test_a_server_that_is_faster_than_the_scene_shows_its_newest_answer(unconnected, events):
    answers = [codec.TrajectoryMessage(many(height)) for height in (1.0, 2.0, 3.0)]

    def push(peer):
        peer.send(*answers)
        peer.wait_until_closed()

    with ScriptedServer(push) as server:
        unconnected.connect("127.0.0.1", server.port)
        # Of the answers before, as many are shown as the scene had the time for.
        step_until(
            unconnected,
            lambda: heights(unconnected) == {3.0} and not unconnected.trajectories.is_showing,
            "the trajectories of the newest answer",
        )
        nodes = unconnected.trajectories.nodes
        unconnected.disconnect()
    assert len(nodes) == COUNT
    assert of_type(events, TrajectoriesShown)


def test_what_has_come_is_shown_after_the_user_left_the_server(browser, hospital, events, scene):
    hospital.trajectories_ = many()
    wait_for_the_answer(browser)
    browser.disconnect()
    assert lines(scene) < COUNT
    while browser.trajectories.is_showing:
        browser.step()
    assert lines(scene) == COUNT
    assert browser.next_deadline is None


def test_nothing_more_comes_into_a_scene_that_was_closed_meanwhile(browser, hospital, scene):
    hospital.trajectories_ = many()
    wait_for_the_answer(browser)
    scene.Clear()
    browser.step()
    assert not browser.trajectories.is_showing
    assert lines(scene) == 0
    assert len(browser.load_trajectories()) == COUNT


def test_a_script_that_is_waiting_hears_of_a_failure_to_show_them(browser, hospital, monkeypatch):
    hospital.trajectories_ = many()
    with monkeypatch.context() as broken:
        broken.setattr(TrajectorySet, "_place", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            browser.load_trajectories()
    assert len(browser.load_trajectories()) == COUNT


def test_hiding_and_showing_is_told(browser, events):
    browser.load_trajectories()
    first, second = browser.trajectories.markups.trajectories
    events.clear()
    browser.trajectories.hide([first])
    assert events == [TrajectoriesChanged()]
    assert browser.trajectories.markups.is_shown(second)
    assert not browser.trajectories.markups.is_shown(first)
    browser.trajectories.show([first])
    assert browser.trajectories.markups.is_shown(first)


def test_one_that_was_removed_is_shown_again_by_the_next_steps(browser, scene, events):
    node = browser.load_trajectories()[0]
    scene.RemoveNode(node)
    events.clear()
    browser.trajectories.show(browser.trajectories.markups.trajectories)
    step_until_event(browser, events, TrajectoriesChanged, count=2)
    assert [one.GetName() for one in browser.trajectories.nodes] == ["Left electrode", "Drain"]
    assert of_type(events, TrajectoriesShown) == []  # no answer has come


def test_lps_points_are_turned_for_that_server_alone(browser, hospital):
    browser.trajectories.markups.coordinates = codec.Coordinates.LPS
    hospital.trajectories_ = [replace(DRAIN, target=(1.0, 2.0, 3.0))]
    (node,) = browser.load_trajectories()
    assert points(node)[1] == (-1, -2, 3)
    browser.disconnect()
    assert browser.trajectories.markups.coordinates is None
