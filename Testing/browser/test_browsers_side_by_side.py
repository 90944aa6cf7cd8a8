"""Two browsers of one server in one scene, such as that of the panel and that of a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import slicer

from helpers.hospital import step_until
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImageStatus


@pytest.fixture
def other(scene: slicer.vtkMRMLScene, server: ServerInThread) -> Iterator[Browser]:
    browser = Browser(scene)
    browser.connect(server.host, server.port)
    browser.list_images()
    yield browser
    browser.close()


def test_an_image_has_one_node(browser: Browser, other: Browser) -> None:
    node = browser.load_image("CT")
    other.step()
    assert other.images.state("CT").status is ImageStatus.LOADED
    assert other.load_image("CT") is node


def test_trajectories_have_one_node_each(browser: Browser, other: Browser) -> None:
    browser.trajectories.request()
    other.trajectories.request()
    step_until(browser, lambda: bool(browser.trajectories.nodes), "a line")
    nodes = other.load_trajectories()
    assert browser.load_trajectories() == nodes
