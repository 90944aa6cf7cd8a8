"""The views are drawn one after the other when a volume has changed; none of them stays paused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import slicer

NAMES = ("Red", "Yellow", "Green")


class View(SimpleNamespace):
    """A view that counts, as Slicer does, how often it is paused."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.pauses, self.has_updates = 0, True
        self._name, self._calls = name, calls
        super().__init__(
            sliceView=lambda: self,
            threeDView=lambda: self,
            pauseRender=self.pause,
            resumeRender=self.resume,
            setUpdatesEnabled=self.enable_updates,
        )

    def pause(self) -> None:
        self.pauses += 1

    def resume(self) -> None:
        self.pauses -= 1
        self._calls.append(self._name)

    def enable_updates(self, are_enabled: bool) -> None:
        if are_enabled and not self.has_updates:
            self._calls.append(f"{self._name} is seen")
        self.has_updates = are_enabled


@pytest.fixture
def calls():
    return []


@pytest.fixture
def views(user, calls):
    before = slicer.app.layoutManager()
    views = {name: View(name, calls) for name in (*NAMES, "3D")}
    slicer.app.setLayoutManager(
        SimpleNamespace(
            sliceViewNames=lambda: NAMES,
            sliceWidget=views.get,
            threeDViewCount=1,
            threeDWidget=lambda _index: views["3D"],
        )
    )
    yield views
    slicer.app.setLayoutManager(before)


@pytest.fixture
def turns(views):
    from IGTLMetaBrowserLib.ui.drawing_turns import DrawingTurns

    turns = DrawingTurns()
    yield turns
    turns.close()


def test_each_view_draws_in_a_turn_of_its_own_and_the_window_once(user, turns, views, calls):
    turns.begin()
    assert [view.pauses for view in views.values()] == [1, 1, 1, 1]
    per_turn, before = [], 0
    while len(calls) < 8:
        user.wait_for(lambda count=before: len(calls) > count, "the next view")
        per_turn.append(calls[before:])
        before = len(calls)
    assert per_turn == [["Red"], ["Yellow"], ["Green"], ["3D"], [f"{one} is seen" for one in views]]


def test_a_volume_that_changes_twice_pauses_the_views_once(user, turns, views, calls):
    turns.begin()
    turns.begin()
    user.wait_for(lambda: "3D is seen" in calls, "all views")
    assert [view.pauses for view in views.values()] == [0, 0, 0, 0]


def test_views_are_not_paused_without_end_by_what_changes_all_the_time(user, turns, views, calls):
    def change() -> bool:
        turns.begin()
        return "3D is seen" in calls

    user.wait_for(change, "the views to be seen")


def test_no_view_stays_paused_when_the_module_is_closed(turns, views):
    turns.begin()
    turns.close()
    assert [(view.pauses, view.has_updates) for view in views.values()] == [(0, True)] * 4
