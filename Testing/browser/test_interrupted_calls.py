"""Ctrl-C in a blocking call of a script: the next one is as if it had not been made."""

from __future__ import annotations

import pytest

from helpers.hospital import Hospital, voxels
from helpers.interruption import interrupt_reading
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImageProgress


@pytest.mark.parametrize("what", ["image", "list", "trajectories"])
def test_while_bytes_are_read(browser: Browser, hospital: Hospital, monkeypatch, what: str):
    calls = {
        "image": lambda: voxels(browser.load_image("CT")),
        "list": lambda: [one.id for one in browser.list_images()],
        "trajectories": lambda: len(browser.load_trajectories()),
    }
    interrupt_reading(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        calls[what]()
    expected = {
        "image": hospital.images_["CT"].pixels.ravel()[:3].tolist(),
        "list": [one.id for one in hospital.images()],
        "trajectories": len(hospital.trajectories()),
    }
    assert calls[what]() == expected[what]
    assert voxels(browser.load_image("MR")) == hospital.images_["MR"].pixels.ravel()[:3].tolist()


def test_while_an_image_that_has_come_is_handled(browser: Browser, hospital: Hospital):
    def interrupt(_event: object) -> None:
        browser.remove_observer(interrupt)
        raise KeyboardInterrupt

    browser.add_observer(interrupt, ImageProgress)
    with pytest.raises(KeyboardInterrupt):
        browser.load_image("CT")
    assert not browser.images.is_loading
    assert voxels(browser.load_image("CT")) == hospital.images_["CT"].pixels.ravel()[:3].tolist()
