"""A plan made in the scene reaches the server, in the coordinates that it knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.hospital import points
from helpers.peers import TRAJECTORY
from IGTLMetaBrowserLib.browser.browser import BrowserError
from IGTLMetaBrowserLib.browser.events import TrajectoriesSent
from IGTLMetaBrowserLib.scene.errors import SceneError


@pytest.fixture
def hospital(hospital):
    """It keeps what it is sent, as its own plan."""
    hospital.receive = lambda message: setattr(hospital, "trajectories_", list(message.items))
    return hospital


def send_and_load(browser, nodes):
    """Send, and return what the server then answers: it does one after the other."""
    browser.trajectories.send(nodes)
    return browser.load_trajectories()


def test_what_went_out_comes_back_the_same(browser, hospital, events):
    hospital.trajectories_ = [replace(TRAJECTORY, entry=(0.1, -0.2, 0.3))]
    (node,) = browser.load_trajectories()
    entry, target = points(node)
    assert send_and_load(browser, [node]) == [node]
    assert TrajectoriesSent(1) in events
    assert points(node) == [entry, target]
    (item,) = hospital.trajectories_
    assert item == replace(TRAJECTORY, entry=entry)


def test_under_a_transform_the_server_gets_the_places_of_its_own_image(browser, hospital, scene):
    hospital.trajectories_ = [replace(TRAJECTORY, owner="MR")]
    image = browser.load_image("MR")
    (node,) = browser.load_trajectories()
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = transform.GetMatrixTransformToParent()
    matrix.SetElement(0, 3, 50)
    transform.SetMatrixTransformToParent(matrix)
    image.SetAndObserveTransformNodeID(transform.GetID())
    assert points(node)[0] == (60, 20, 30)  # in the world
    send_and_load(browser, [node])
    assert hospital.trajectories_ == [replace(TRAJECTORY, owner="MR")]


def test_what_is_no_line_is_refused_in_words(browser, scene):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Points")
    with pytest.raises(SceneError, match="'Points' is neither a markups line"):
        browser.trajectories.send([node])


def test_without_a_server_nothing_is_sent(unconnected, scene):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    for point in ((1, 2, 3), (4, 5, 6)):
        node.AddControlPoint(*point)
    with pytest.raises(BrowserError, match="not connected"):
        unconnected.trajectories.send([node])
