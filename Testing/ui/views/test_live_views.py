"""Live images that come quickly: the slice views drawn with each; none of them stays paused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import slicer

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.events import LiveImage
from IGTLMetaBrowserLib.scene.images.volumes import show_image


class View(SimpleNamespace):
    """A slice widget and its view, which counts, as Slicer does, how often it is paused."""

    def __init__(self, orientation: str, background: str) -> None:
        self.drawn = self.pauses = 0
        self.node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", orientation)
        self.node.SetDefaultOrientation(orientation)
        self.node.SetOrientation(orientation)
        self.layers = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", orientation)
        self.layers.SetBackgroundVolumeID(background)
        super().__init__(
            mrmlSliceNode=lambda: self.node,
            mrmlSliceCompositeNode=lambda: self.layers,
            sliceView=lambda: self,
            pauseRender=lambda: self.pause(1),
            resumeRender=lambda: self.pause(-1),
            forceRender=self.draw,
        )

    def draw(self) -> None:
        self.drawn += 1

    def pause(self, count: int) -> int:
        self.pauses += count
        return self.pauses


@pytest.fixture
def volume(user):
    """The only slice of an image, across the body's axis."""
    image = codec.ImageMessage(np.zeros((1, 48, 64), np.uint8), device_name="Probe")
    return show_image(slicer.mrmlScene, image, "Probe")


@pytest.fixture
def views(set_layout_manager, volume):
    views = {name: View(name, volume.GetID()) for name in ("Axial", "Coronal", "Sagittal")}
    set_layout_manager(sliceViewNames=lambda: tuple(views), sliceWidget=views.get)
    return views


@pytest.fixture
def live_views(user, views):
    from IGTLMetaBrowserLib.ui.views.live_views import LiveViews

    live_views = LiveViews(user.panel.browser.images.live)
    yield live_views
    live_views.close()


def drawn(views) -> list[int]:
    return [view.drawn for view in views.values()]


def stream(live_views, volume, count: int) -> None:
    """Show so many images, of which the first may come alone.

    A thousand have come for each, so that they come quickly, however slow the test is.
    """
    for number in range(1, count + 1):
        live_views.draw(LiveImage("Probe", volume, 1000 * number))


def test_slicer_draws_an_image_that_comes_alone(live_views, views, volume):
    live_views.draw(LiveImage("Probe", volume, 1))

    assert drawn(views) == [0, 0, 0]


def test_view_along_the_image_is_drawn_with_each_and_those_across_now_and_then(
    live_views, views, volume
):
    stream(live_views, volume, 50)

    along, *across = drawn(views)
    assert along == 49
    assert all(1 <= count < 50 for count in across)


def test_view_across_the_image_is_drawn_at_once_when_the_user_moves_its_slice(
    live_views, views, volume
):
    stream(live_views, volume, 50)
    coronal = [*views.values()][1]
    before = coronal.drawn
    coronal.node.SetSliceOffset(5)
    live_views.draw(LiveImage("Probe", volume, 1_000_000))
    assert coronal.drawn == before + 1


def test_all_views_are_drawn_with_each_image_of_several_slices(live_views, views, volume):
    image = codec.ImageMessage(np.zeros((5, 48, 64), np.uint8), device_name="Probe")
    show_image(slicer.mrmlScene, image, "Probe", node=volume)

    stream(live_views, volume, 4)

    assert drawn(views) == [3, 3, 3]


def test_view_that_shows_something_else_is_left_alone(live_views, views, volume):
    views["Axial"].layers.SetBackgroundVolumeID(None)

    stream(live_views, volume, 4)

    assert views["Axial"].drawn == views["Axial"].pauses == 0


def test_view_that_somebody_else_has_paused_is_not_drawn(live_views, views, volume):
    views["Axial"].pauseRender()

    stream(live_views, volume, 4)

    assert views["Axial"].drawn == 0


def test_slicer_draws_again_when_the_stream_has_ended(live_views, views, volume, user):
    stream(live_views, volume, 4)
    assert all(view.pauses == 1 for view in views.values())

    user.wait_for(lambda: not any(view.pauses for view in views.values()), "no view paused")


def test_no_view_stays_paused_when_the_panel_is_closed(live_views, views, volume):
    stream(live_views, volume, 4)

    live_views.close()

    assert not any(view.pauses for view in views.values())
