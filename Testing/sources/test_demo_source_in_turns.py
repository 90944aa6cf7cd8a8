"""The phantom computed a little at a time, for a server that must keep nobody waiting."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.net import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources.demo import DemoSource, demo_images


def image_after_turns(source: DemoSource, image_id: str) -> tuple[np.ndarray, int]:
    """Ask until the image is there; return its pixels and how many turns it took."""
    turns = 1
    while True:
        try:
            return source.image(image_id).pixels, turns
        except NotReadyError:
            turns += 1


@pytest.mark.parametrize("image", demo_images(), ids=lambda image: image.id)
def test_an_image_computed_in_turns_is_the_same(image):
    pixels, turns = image_after_turns(DemoSource(seconds_a_turn=0.0), image.id)
    assert turns > 100  # a slice a turn
    assert pixels.dtype == image.dtype
    assert np.array_equal(pixels, image.pixels())


def test_it_is_computed_once():
    source = DemoSource(seconds_a_turn=0.0)
    first, _ = image_after_turns(source, "DEMO_PT")
    again, turns = image_after_turns(source, "DEMO_PT")
    assert turns == 1
    assert again is first


def test_two_images_can_be_computed_by_turns():
    source = DemoSource(seconds_a_turn=0.0)
    for image_id in ("DEMO_CT", "DEMO_MR"):
        with pytest.raises(NotReadyError):
            source.image(image_id)
    for image in demo_images()[:2]:
        assert np.array_equal(image_after_turns(source, image.id)[0], image.pixels())


def test_without_turns_it_is_computed_at_once():
    assert DemoSource().image("DEMO_PT").pixels.shape == (128, 256, 256)


def test_an_unknown_id_is_refused_at_once():
    with pytest.raises(SourceError, match="NO_SUCH_ID"):
        DemoSource(seconds_a_turn=0.0).image("NO_SUCH_ID")
