"""The views are drawn one after the other when a volume has changed; none of them stays paused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

NAMES = ("Red", "Yellow", "Green")


class View(SimpleNamespace):
    """A view that counts, as Slicer does, how often it is paused."""

    def __init__(self, name: str, drawn: list[str]) -> None:
        self.pauses = 0
        self._name, self._drawn = name, drawn
        super().__init__(
            sliceView=lambda: self,
            threeDView=lambda: self,
            pauseRender=self.pause,
            resumeRender=self.resume,
            updatesEnabled=True,
        )

    def pause(self) -> None:
        self.pauses += 1

    def resume(self) -> None:
        self.pauses -= 1
        self._drawn.append(self._name)


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def views(set_layout_manager, drawn):
    views = {name: View(name, drawn) for name in (*NAMES, "3D")}
    set_layout_manager(
        sliceViewNames=lambda: NAMES,
        sliceWidget=views.get,
        threeDViewCount=1,
        threeDWidget=lambda _index: views["3D"],
    )
    return views


@pytest.fixture
def turns(views):
    from IGTLMetaBrowserLib.ui.views.drawing_turns import DrawingTurns

    turns = DrawingTurns()
    yield turns
    turns.close()


def are_seen(views) -> list[bool]:
    return [view.updatesEnabled for view in views.values()]


def test_each_view_draws_in_a_turn_of_its_own_and_is_seen_with_the_last(user, turns, views, drawn):
    turns.begin()
    assert [view.pauses for view in views.values()] == [1, 1, 1, 1]
    for count in range(1, 5):
        user.wait_for(lambda least=count: len(drawn) >= least, "the next view")
        assert drawn == [*views][:count]
        assert not any(are_seen(views))
    user.wait_for(lambda: not turns.isActive, "the last turn")
    assert all(are_seen(views))
    assert drawn == [*views]


def test_a_volume_that_changes_twice_pauses_the_views_once(user, turns, views):
    turns.begin()
    turns.begin()
    user.wait_for(lambda: not turns.isActive, "all views")
    assert [view.pauses for view in views.values()] == [0, 0, 0, 0]


def test_views_are_not_paused_without_end_by_what_changes_all_the_time(user, turns, views):
    def change() -> bool:
        were_seen = all(are_seen(views))
        turns.begin()
        return were_seen

    turns.begin()
    user.wait_for(change, "the views to be seen")


def test_no_view_stays_paused_when_the_module_is_closed(turns, views):
    turns.begin()
    turns.close()
    assert [(view.pauses, view.updatesEnabled) for view in views.values()] == [(0, True)] * 4
