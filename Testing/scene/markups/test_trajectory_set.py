"""The trajectories of a server: what comes again, what is gone, what is too much."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from helpers.kept_memory import bytes_kept
from helpers.trajectory_sets import DRAIN, LINE, entry, many, receive, stream
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import TrajectoryType
from IGTLMetaBrowserLib.scene.markups import trajectory_answer, trajectory_decoding
from IGTLMetaBrowserLib.scene.markups.trajectory_answer import TrajectoryAnswer
from IGTLMetaBrowserLib.scene.markups.trajectory_decoding import in_ras
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet

LPS = codec.Coordinates.LPS


@pytest.fixture
def trajectories(scene) -> TrajectorySet:
    return TrajectorySet(scene)


def times(nodes):
    return [(node.GetMTime(), node.GetDisplayNode().GetMTime()) for node in nodes]


# What cannot be shown

NO_PLACES = [math.nan, math.inf, -math.inf, 1e6]


def test_which_trajectories_cannot_be_shown_is_found_for_all_at_once():
    """Given each type with each place and no place, as a table that came and as items."""
    numbers = [0.0, -100_000.0, 100_000.0, 100_000.0078125, *NO_PLACES]
    items = [
        replace(LINE, type=type_, entry=(0, 0, entry), target=(target, 0, 0))
        for type_ in (-56, 0, *TrajectoryType, 4, 7)
        for entry in numbers
        for target in numbers
    ]
    table = codec.unpack(codec.pack(codec.TrajectoryMessage(items))).items
    rows = range(len(items))
    expected = [row for row in rows if not can_be_shown(in_ras(table[row], LPS))]
    assert 0 < len(expected) < len(items)
    for same in (table, list(table)):
        assert TrajectoryAnswer(same, LPS, is_pushed=False).rows_not_shown == expected
    assert TrajectoryAnswer([], LPS, is_pushed=False).rows_not_shown == []


def can_be_shown(item: codec.TrajectoryItem) -> bool:
    try:
        trajectory_decoding.planned_points(item)
    except trajectory_decoding.TrajectoryError:
        return False
    return True


def test_of_very_many_that_cannot_be_shown_it_is_said_of_some_why(trajectories, monkeypatch):
    items = [replace(LINE, name=f"Line {n}", type=0) for n in range(1000)]
    items += many(3)
    decoded, decode = [], trajectory_decoding.shown_trajectory
    monkeypatch.setattr(
        trajectory_decoding,
        "shown_trajectory",
        lambda item: decoded.append(item.name) or decode(item),
    )
    table = codec.unpack(codec.pack(codec.TrajectoryMessage(items))).items
    assert len(receive(trajectories, *table)) == 3
    decoded.clear()
    trajectories.receive(table)
    problems = trajectories.problems
    assert problems[0] == (
        "the trajectory 'Line 0' has the type 0; 1 (entry), 2 (target) and 3 (both) exist"
    )
    assert len(problems) == 11
    assert problems[-1] == "990 more trajectories cannot be shown"
    assert len(decoded) < 20


def test_of_a_stream_only_what_may_have_a_problem_is_looked_at(trajectories, monkeypatch):
    items = [replace(LINE, name=f"Line {n}", entry=(n, 0, 0)) for n in range(9)]
    items[2].entry, items[4].target = (math.nan, 0, 0), (0, 2e5, 0)
    items[6].type = 7
    stream(trajectories, *items)
    trajectories.hide(trajectories.trajectories)
    looked_at, decode = [], trajectory_decoding.shown_trajectory
    monkeypatch.setattr(
        trajectory_decoding,
        "shown_trajectory",
        lambda item: looked_at.append(item.name) or decode(item),
    )
    stream(trajectories, *(replace(item, diameter=2) for item in items))
    problems = trajectories.problems
    assert [text.split("'")[1] for text in problems] == ["Line 2", "Line 4", "Line 6"]
    assert looked_at == ["Line 2", "Line 4", "Line 6"]


# Step by step


def test_an_answer_comes_into_the_scene_a_few_at_a_time(trajectories):
    trajectories.receive(many(7))
    assert (trajectories.nodes, trajectories.waiting) == ([], 7)
    assert not trajectories.step(3)
    assert [node.GetName() for node in trajectories.nodes] == ["Line 0", "Line 1", "Line 2"]
    assert not trajectories.step(3)
    assert trajectories.step(3)
    assert (len(trajectories.nodes), trajectories.waiting) == (7, 0)
    assert trajectories.step()


def test_an_answer_that_comes_before_the_last_one_is_all_there_takes_its_place(trajectories):
    trajectories.receive([LINE, DRAIN])
    trajectories.step(1)
    trajectories.receive([replace(LINE, entry=(9, 9, 9))])
    assert trajectories.step(1)
    assert [entry(node) for node in trajectories.nodes] == [(9, 9, 9)]
    assert [one.item.name for one in trajectories.trajectories] == ["Left electrode"]


# What comes again


def test_a_trajectory_that_comes_again_moves_its_node(scene, trajectories):
    first = receive(trajectories, LINE, DRAIN)
    second = receive(trajectories, DRAIN, replace(LINE, entry=(9, 9, 9)))
    assert second == first[::-1]
    assert entry(first[0]) == (9, 9, 9)
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 2


def test_an_answer_in_which_nothing_changed_touches_no_node(trajectories):
    nodes = receive(trajectories, *many(20))
    before = times(nodes)
    trajectories.receive(many(20))
    assert trajectories.waiting == 0
    assert trajectories.step()
    assert times(trajectories.nodes) == before


def test_only_what_moved_is_touched(trajectories):
    nodes = receive(trajectories, *many(5))
    before = times(nodes)
    items = list(many(5))
    items[2] = replace(items[2], target=(0, 0, 99))
    receive(trajectories, *items)
    after = times(nodes)
    assert [old == new for old, new in zip(before, after, strict=True)] == [
        True, True, False, True, True
    ]  # fmt: skip


def test_numbers_that_are_none_and_that_nobody_sees_change_nothing(trajectories):
    nan = float("nan")
    odd = replace(LINE, type=TrajectoryType.ENTRY, target=(nan, nan, nan), diameter=nan)
    receive(trajectories, odd)
    trajectories.receive([replace(odd)])
    assert trajectories.waiting == 0


def test_namesakes_are_told_apart_by_their_order(trajectories):
    first = receive(trajectories, LINE, replace(LINE, entry=(8, 8, 8)))
    second = receive(trajectories, LINE, replace(LINE, entry=(9, 9, 9)))
    assert second == first
    assert [entry(node) for node in first] == [(1, 2, 3), (9, 9, 9)]


def test_the_same_name_in_another_group_or_for_another_image_is_another_trajectory(trajectories):
    nodes = receive(trajectories, LINE, replace(LINE, group="B"), replace(LINE, owner="IMAGE_1"))
    assert len(set(nodes)) == 3


# What the user removes


def test_a_node_that_the_user_removed_comes_back_when_it_is_asked_for(scene, trajectories):
    first, drain = receive(trajectories, LINE, DRAIN)
    scene.RemoveNode(first)
    new, same = receive(trajectories, LINE, DRAIN)
    assert same is drain
    assert new.GetName() == "Left electrode"


def test_in_a_stream_it_stays_away(scene, trajectories):
    first, drain = receive(trajectories, LINE, DRAIN)
    scene.RemoveNode(first)
    moved = replace(LINE, entry=(9, 9, 9))
    assert receive(trajectories, moved, DRAIN, restore_removed=False) == [drain]


def test_in_another_scene_one_of_a_stream_is_shown_and_none_counts_as_removed(scene, trajectories):
    """Else the next patient's of that name would not be seen, or be left out of a stored plan."""
    stream(trajectories, LINE)
    scene.Clear()
    trajectories.stop()
    assert not any(map(trajectories.is_removed, trajectories.trajectories))
    stream(trajectories, LINE)
    assert len(trajectories.nodes) == 1


def test_so_it_is_if_the_scene_is_closed_by_who_hears_of_the_new_line(scene, trajectories):
    def close_scene(*_):
        scene.RemoveObserver(tag)
        scene.Clear()
        trajectories.stop()

    tag = scene.AddObserver(scene.NodeAddedEvent, close_scene)
    stream(trajectories, LINE, DRAIN)
    stream(trajectories, LINE, DRAIN)
    assert len(trajectories.nodes) == 2


def test_in_a_new_scene_there_are_new_nodes(scene, trajectories):
    old = receive(trajectories, LINE)
    scene.Clear()
    assert trajectories.nodes == []
    (new,) = receive(trajectories, LINE)
    assert new not in old
    assert new.GetScene() is scene


# What is gone


def test_what_the_answer_does_not_have_any_more_is_gone_and_stays_until_it_is_removed(
    scene, trajectories
):
    receive(trajectories, LINE, DRAIN)
    nodes = receive(trajectories, DRAIN)
    assert [node.GetName() for node in nodes] == ["Drain"]
    (gone,) = trajectories.gone
    assert gone.item.name == "Left electrode"
    assert trajectories.node(gone).GetScene() is scene
    assert trajectories.trajectories[-1] is gone

    trajectories.remove_gone()
    assert trajectories.gone == []
    assert len(trajectories.trajectories) == 1
    for class_name in ("vtkMRMLMarkupsNode", "vtkMRMLMarkupsDisplayNode"):
        assert scene.GetNumberOfNodesByClass(class_name) == 1


def test_what_was_gone_and_comes_back_has_its_node_again(trajectories):
    (node,) = receive(trajectories, LINE)
    receive(trajectories)
    assert receive(trajectories, LINE) == [node]
    assert trajectories.gone == []


def test_what_is_gone_and_was_removed_by_the_user_is_forgotten(scene, trajectories):
    (node,) = receive(trajectories, LINE)
    scene.RemoveNode(node)
    receive(trajectories, DRAIN)
    assert trajectories.gone == []


def test_of_ever_new_names_none_is_remembered(trajectories):
    assert bytes_kept(lambda n: stream(trajectories, replace(LINE, name=f"Line {n}"))) < 200


TARGET = replace(LINE, type=TrajectoryType.TARGET)


@pytest.mark.parametrize("following", [[], [LINE]], ids=["gone", "a line now"])
def test_points_that_the_user_adds_to_a_planned_point_stay(scene, trajectories, following):
    stream(trajectories, TARGET)
    (node,) = trajectories.nodes
    node.AddControlPoint(1.0, 2.0, 3.0, "The user's")
    stream(trajectories, *following)
    assert node.GetScene() is scene
    assert (node.GetNumberOfControlPoints(), entry(node)) == (1, (1.0, 2.0, 3.0))
    # What comes again has a node of its own.
    stream(trajectories, TARGET)
    assert trajectories.nodes != [node]
    assert (node.GetNumberOfControlPoints(), entry(node)) == (1, (1.0, 2.0, 3.0))


def test_which_trajectory_a_node_shows_is_known_and_a_copy_of_it_shows_none(scene, trajectories):
    nodes = receive(trajectories, LINE, LINE, DRAIN)
    assert [*map(trajectories.shown_by, nodes)] == trajectories.trajectories
    copied = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    copied.Copy(nodes[0])
    drawn = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    assert [*map(trajectories.shown_by, (copied, drawn))] == [None, None]
    scene.RemoveNode(nodes[2])
    assert trajectories.shown_by(nodes[2]) is None


# Too much, and what cannot be shown


def test_of_ten_thousand_the_first_200_are_shown_and_the_others_on_request(scene, trajectories):
    receive(trajectories, *many(10_000))
    assert len(trajectories.trajectories) == 10_000
    assert len(trajectories.nodes) == 200
    assert trajectories.problems == ["9800 more trajectories are in the list, but not in the scene"]
    last = trajectories.trajectories[-1]
    assert not trajectories.is_shown(last)

    trajectories.show([last])
    assert trajectories.step()
    assert trajectories.node(last).GetName() == "Line 9999"
    assert trajectories.is_shown(last)
    # It stays when the list comes again.
    trajectories.receive(many(10_000))
    assert trajectories.waiting == 0
    assert len(trajectories.nodes) == 201


def test_all_of_ten_thousand_can_be_wanted_and_not_wanted_any_more(trajectories):
    receive(trajectories, *many(10_000))
    for _ in range(2):
        trajectories.show(reversed(trajectories.trajectories))
        assert trajectories.waiting == 9800
    trajectories.step(1)
    assert trajectories.nodes[-1].GetName() == "Line 9999"
    trajectories.hide(trajectories.trajectories)
    assert (trajectories.waiting, len(trajectories.nodes)) == (0, 201)


def test_of_ten_thousand_only_those_that_are_shown_are_read(trajectories, monkeypatch):
    read = []
    monkeypatch.setattr(
        trajectory_answer, "in_ras", lambda item, _coordinates: read.append(item) or item
    )
    trajectories.receive(many(10_000))
    trajectories.image_shown("CT")
    assert trajectories.owner_ids == set()
    assert len(read) == 256  # 200, in pieces of 128
    assert len(trajectories.trajectories) == 10_000
    assert len(trajectories.problems) == 1


def test_what_is_hidden_is_there_and_stays_hidden(trajectories):
    (node,) = receive(trajectories, LINE)
    (one,) = trajectories.trajectories
    trajectories.hide([one])
    assert not trajectories.is_shown(one)
    receive(trajectories, replace(LINE, entry=(9, 9, 9)))
    assert entry(node) == (9, 9, 9)
    assert not node.GetDisplayVisibility()
    trajectories.show([one])
    assert trajectories.is_shown(one)


def test_what_is_hidden_before_it_is_made_is_not_made(trajectories):
    trajectories.receive([LINE, DRAIN])
    trajectories.hide(trajectories.trajectories[:1])
    trajectories.finish()
    assert [node.GetName() for node in trajectories.nodes] == ["Drain"]


@pytest.mark.parametrize("type_", [0, 200, -56])
def test_what_cannot_be_shown_is_refused_with_the_reason_and_nothing_else_is_lost(
    trajectories, type_
):
    (node,) = receive(trajectories, replace(LINE, type=type_), DRAIN)
    assert node.GetName() == "Drain"
    (problem,) = trajectories.problems
    assert f"'Left electrode' has the type {type_}" in problem


def test_what_cannot_be_shown_any_more_stays_as_it_was_and_says_so(trajectories):
    (node,) = receive(trajectories, LINE)
    receive(trajectories, replace(LINE, entry=(float("nan"), 0, 0)))
    assert entry(node) == (1, 2, 3)
    (problem,) = trajectories.problems
    assert problem.endswith("; it is still shown as it was before")


def test_a_contradiction_is_a_note(trajectories):
    receive(trajectories, replace(LINE, type=TrajectoryType.TARGET))
    (one,) = trajectories.trajectories
    assert one.notes == ("it also has the entry (1, 2, 3), which by its type is not planned",)
    assert (one.problem, trajectories.problems) == ("", [])


def test_the_points_of_a_server_that_sends_lps_are_turned(scene):
    trajectories = TrajectorySet(scene)
    trajectories.coordinates = codec.Coordinates.LPS
    (node,) = receive(trajectories, LINE)
    assert entry(node) == (-1, -2, 3)


def test_other_coordinates_move_what_is_there(trajectories):
    (node,) = receive(trajectories, LINE)
    trajectories.coordinates = codec.Coordinates.LPS
    receive(trajectories, LINE)
    assert entry(node) == (-1, -2, 3)


# Labels


def labeled(trajectories):
    displays = [node.GetDisplayNode() for node in trajectories.nodes]
    return [
        bool(one.GetPropertiesLabelVisibility() or one.GetPointLabelsVisibility())
        for one in displays
    ]


def test_only_those_that_are_chosen_have_a_label(trajectories):
    receive(trajectories, LINE, DRAIN)
    first, second = trajectories.trajectories
    assert labeled(trajectories) == [False, False]
    trajectories.label([first])
    assert labeled(trajectories) == [True, False]
    trajectories.label([second])
    assert labeled(trajectories) == [False, True]
    trajectories.label([])
    assert labeled(trajectories) == [False, False]


def test_a_label_that_stays_is_not_touched(trajectories):
    nodes = receive(trajectories, LINE, DRAIN)
    first, second = trajectories.trajectories
    trajectories.label([first])
    before = times(nodes)
    trajectories.label([first])
    assert times(nodes) == before
    trajectories.label([first, second])
    assert times(nodes)[0] == before[0]


def test_all_labels_are_shown_in_steps_and_so_are_those_of_what_comes_later(trajectories):
    receive(trajectories, *many(3))
    trajectories.label(trajectories.trajectories[:1])
    trajectories.are_all_labeled = True
    assert labeled(trajectories) == [True, False, False]
    trajectories.step(2)
    assert labeled(trajectories) == [True, True, False]
    trajectories.finish()
    receive(trajectories, *many(4))
    assert labeled(trajectories) == [True] * 4
    trajectories.are_all_labeled = False
    trajectories.finish()
    assert labeled(trajectories) == [True, False, False, False]


def test_one_that_was_removed_does_not_come_back_for_its_label(scene, trajectories):
    (node,) = receive(trajectories, LINE)
    scene.RemoveNode(node)
    trajectories.are_all_labeled = True
    trajectories.finish()
    trajectories.label(trajectories.trajectories)
    assert trajectories.nodes == []


def test_one_that_moves_keeps_its_label(trajectories):
    receive(trajectories, LINE)
    trajectories.label(trajectories.trajectories)
    receive(trajectories, replace(LINE, entry=(9, 9, 9)))
    assert labeled(trajectories) == [True]
