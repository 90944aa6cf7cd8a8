"""What clients push into a scene that is served names nobody while patients are hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
import slicer

from helpers.peers import Peer
from helpers.scene_servers import asked
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.endpoints.scene_server import SceneServer, SceneServerSettings
from IGTLMetaBrowserLib.scene.hidden_patients.covered_ids import COVERED_ATTRIBUTES

GROUP, OWNER = "Plan of Smith", "0 Smith"
LINE = codec.TrajectoryItem("L1", GROUP, entry=(1, 2, 3), target=(4, 5, 6), owner=OWNER)
POINT = codec.PointItem("P1", GROUP, position=(1, 2, 3), owner=OWNER)


@pytest.fixture
def browser(scene: slicer.vtkMRMLScene) -> Iterator[Browser]:
    """One that knows whom to hide."""
    with closing(Browser(scene)) as browser:
        browser.patients.register("Smith", "P1234")
        yield browser


@pytest.fixture
def push(scene: slicer.vtkMRMLScene) -> Iterator[Callable[..., SceneServer]]:
    """Have a client of this name send something, until it is in the scene."""
    shown: list[str] = []
    server = SceneServer(
        scene, SceneServerSettings(port=0), lambda *_: shown.append(""), lambda *_: shown.append("")
    )

    def push(message: codec.Message) -> SceneServer:
        count = len(shown)
        with Peer.connect(server.port) as peer:
            peer.send(message)
            while len(shown) == count:
                server.step(0.01)
        return server

    with closing(server):
        yield push


@pytest.fixture(params=["Planner", ""], ids=["a client with a name", "a client without one"])
def messages(request: pytest.FixtureRequest) -> list[codec.Message]:
    return [
        codec.TrajectoryMessage(items=[LINE], device_name=request.param),
        codec.PointMessage(items=[POINT], device_name=request.param),
    ]


def ids(scene: slicer.vtkMRMLScene) -> list[dict[str, str]]:
    """What the markups say of groups and images."""
    markups = scene.GetNodesByClass("vtkMRMLMarkupsNode")
    markups.UnRegister(None)
    return [{name: node.GetAttribute(name) for name in COVERED_ATTRIBUTES} for node in markups]


def test_covered_as_it_comes_and_said_when_they_are_shown(browser, scene, push, messages) -> None:
    browser.patients.hide()
    for message in messages:
        push(message)
    assert len(ids(scene)) == 2
    assert "Smith" not in str(ids(scene))
    browser.patients.hide(False)
    assert str(ids(scene)).count(GROUP) >= 2
    assert "hidden" not in str(ids(scene))


def test_covered_when_they_are_hidden_later(browser, scene, push, messages) -> None:
    for message in messages:
        push(message)
    before = ids(scene)
    browser.patients.hide()
    assert "Smith" not in str(ids(scene))
    browser.patients.hide(False)
    assert ids(scene) == before


def test_sent_again_it_comes_into_the_same_nodes_and_is_covered_again(
    browser, scene, push, messages
) -> None:
    browser.patients.hide()
    for message in messages:
        push(message)
    moved = replace(LINE, type=codec.TrajectoryType.TARGET), replace(POINT, position=(7, 8, 9))
    for message, item in zip(messages, moved, strict=True):
        push(replace(message, items=[item]))
    assert len(ids(scene)) == 2
    assert "Smith" not in str(ids(scene))


def test_who_asks_for_it_gets_it_as_it_was_sent(browser, push, messages) -> None:
    browser.patients.hide()
    for message in messages:
        server = push(message)
    (line,) = asked(server, net.Client.get_trajectories)
    assert line.group == GROUP
