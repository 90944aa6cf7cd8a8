"""A volume that is added has no 3D view drawn at once, as Slicer does; later it is drawn."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


class View:
    """A view that draws what it is asked for, unless that is not enabled: ctkVTKAbstractView."""

    def __init__(self) -> None:
        self.renderEnabled = True
        self.count = 0

    def scheduleRender(self) -> None:  # noqa: N802
        self.count += self.renderEnabled


@pytest.fixture
def view(set_layout_manager, monkeypatch):
    from IGTLMetaBrowserLib.ui.views import three_d_drawing

    monkeypatch.setattr(three_d_drawing, "_MILLISECONDS_UNTIL_DRAWN", 50)
    view = View()
    widget = SimpleNamespace(threeDView=lambda: view)
    set_layout_manager(threeDViewCount=1, threeDWidget=lambda _index: widget)
    return view


@pytest.fixture
def drawing(view):
    from IGTLMetaBrowserLib.ui.views.three_d_drawing import ThreeDDrawing

    drawing = ThreeDDrawing()
    yield drawing
    drawing.close()


def test_what_several_volumes_ask_for_is_drawn_once_and_later(user, drawing, view):
    for _ in range(3):
        drawing.hold()
        view.scheduleRender()
        assert view.count == 0
        user.wait_for(lambda: view.renderEnabled, "the end of the turn")
    user.wait_for(lambda: view.count, "the drawing")
    assert view.count == 1


def test_what_the_user_does_meanwhile_is_drawn_at_once(user, drawing, view):
    drawing.hold()
    user.wait_for(lambda: view.renderEnabled, "the end of the turn")
    view.scheduleRender()
    assert view.count == 1


def test_a_view_that_somebody_else_has_stopped_stays_so(user, drawing, view):
    view.renderEnabled = False
    drawing.hold()
    drawing.close()
    assert not view.renderEnabled


def test_closed_it_leaves_all_views_as_they_were(drawing, view):
    drawing.hold()
    drawing.close()
    assert view.renderEnabled
