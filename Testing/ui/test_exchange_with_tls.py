"""Two Slicers, each in a process of its own, exchange images and plans with TLS, both ways."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import slicer

from helpers.other_slicer import OtherSlicer
from helpers.scene_contents import contents, draw_line
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.sources.scene import SceneSource

PUSHED = {
    "name": "Electrode",
    "points": [(1.5, -2.25, 30.125), (0.5, 0.25, 0.75)],
    "diameter": 2.5,
    "rgba": (10, 200, 30, 128),
    "group": "Left side",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificates of both are."""
    return tmp_path_factory.mktemp("exchange")


@pytest.fixture(scope="module")
def process(folder) -> Iterator[OtherSlicer]:
    slicer_process = OtherSlicer(sys.executable, folder)
    yield slicer_process
    slicer_process.stop()


@pytest.fixture
def other(user, process) -> OtherSlicer:
    """The other Slicer, when it is ready."""
    answer_of(user, process)
    return process


def answer_of(user, other, command=None, **arguments):
    """Have the other do something; the event loop of this one goes on."""
    if command is not None:
        other.ask(command, **arguments)
    answers = []
    user.wait_for(lambda: answers.append(other.answer) or answers[-1] is not None, str(command))
    return answers[-1]


def share(user, folder, port) -> None:
    ui = user.ui
    ui.shareCollapsibleButton.collapsed = False
    ui.servePortSpinBox.value = port
    ui.shareCertificatePathLineEdit.currentPath = str(folder / "own.pem")
    ui.shareClientAuthorityPathLineEdit.currentPath = str(folder / "authority.pem")
    user.press(ui.serveButton)


def test_an_image_and_a_plan_go_to_the_other_and_its_plan_comes_here(
    user, other, folder, unused_port
):
    voxels = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    volume = slicer.util.addVolumeFromArray(voxels, name="Head")
    volume.SetSpacing(0.5, 0.75, 2)
    (owner,) = [item.id for item in SceneSource(slicer.mrmlScene).images()]
    draw_line("Plan", [(0, 0, 90), (1, 2, 3)], 1.25, (200, 100, 50, 255), "Group", owner)
    share(user, folder, unused_port)

    fetched = answer_of(user, other, "fetch", port=unused_port)
    assert fetched == contents()

    back = answer_of(user, other, "push", line=PUSHED | {"owner": owner})
    shown = contents()["lines"]["Electrode"]
    assert [tuple(number / 1000 for number in point) for point in shown["points"]] == [
        *PUSHED["points"]
    ]
    for key in ("diameter", "group"):
        assert shown[key] == back[key] == PUSHED[key]
    assert tuple(shown["rgba"]) == tuple(back["rgba"]) == PUSHED["rgba"]
    assert shown["owner"] == back["owner"] == owner
    assert [tuple(back["entry"]), tuple(back["target"])] == PUSHED["points"]


def test_an_image_and_a_plan_of_the_other_come_here_and_a_plan_goes_there(
    user, other, folder, unused_port
):
    offered = answer_of(user, other, "share", port=unused_port)
    logic = user.module.widget.logic
    tls = net.ClientTLS(folder / "authority.pem", folder / "own.pem")
    logic.connectToServer("127.0.0.1", unused_port, tls=tls)
    (entry,) = logic.listImages()
    logic.loadImage(entry.id)
    logic.loadTrajectories()
    assert contents() == offered

    logic.browser.trajectories.send([draw_line(**PUSHED, owner=entry.id)])
    there = answer_of(user, other, "contents", line="Electrode")
    assert there["lines"]["Electrode"] == contents()["lines"]["Electrode"]
