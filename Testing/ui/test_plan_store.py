"""Plans made in the window, stored in the archive that is browsed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import slicer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers import orthanc
from helpers.empty_archive import empty_archive
from IGTLMetaBrowserLib.sources.demo_dicom import write_phantom

pytest.importorskip("dicomweb_client")
pytest.importorskip("highdicom")

without_orthanc = pytest.mark.skipif(
    not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[orthanc.Orthanc]:
    """An archive with the phantom's CT."""
    write_phantom(tmp_path / "phantom")
    with orthanc.running(tmp_path / "orthanc") as archive:
        archive.upload(sorted((tmp_path / "phantom" / "CT").iterdir()))
        yield archive


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user was asked, and has agreed to."""
    asked: list[str] = []
    agree = lambda text: asked.append(text) or True  # noqa: E731
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", agree)
    return asked


def connect(user, url: str) -> None:
    user.press(user.ui.archiveButton)
    asked = user.panel.archive.dialog
    asked.addressBox.currentText = url
    QTest.mouseClick(asked.connectButton, Qt.LeftButton)
    user.wait_for_status("offers one image")


def line(name: str, owner: str = ""):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
    node.AddControlPointWorld(30, 40, 50)
    node.AddControlPointWorld(10, -5, 2)
    if owner:
        node.SetAttribute("IGTLMetaBrowser.TrajectoryOwner", owner)
    return node


def actions(user) -> dict[str, object]:
    """What the menu of the button Send offers."""
    menu = user.panel.trajectories.sendMenu
    menu.fill()
    return {action.text: action for action in menu.menu.actions()}


@without_orthanc
def test_a_line_is_stored_and_comes_back_with_its_image(user, archive, questions):
    connect(user, archive.dicomweb)
    (image_id,) = user.ids()
    user.load(image_id)
    line("Left STN")
    user.panel.planStore._imageInViews = lambda: image_id  # there are no views here
    actions(user)["Store all new lines (1)"].trigger()
    assert "Store 1 trajectories in http://localhost" in questions[0]
    user.wait_for_status("Trajectories: 1 stored in http://localhost")
    (report,) = archive.call("POST", "/tools/find", json={
        "Level": "Series", "Query": {"Modality": "SR"}, "Expand": True,
    }).json()  # fmt: skip
    assert len(report["Instances"]) == 1
    user.press(user.ui.trajectoriesButton)
    user.wait_for_status("One trajectory is shown")


def test_without_its_image_a_plan_is_not_stored(user, questions):
    with empty_archive() as archive:
        connect(user, archive.url)
        line("Left STN")
        user.panel.planStore._imageInViews = lambda: ""
        actions(user)["Store all new lines (1)"].trigger()
        assert "Load and show the image first that the plan is for" in user.status
        assert questions == []


def test_nothing_is_offered_without_trajectories_or_without_an_archive(user, small_server):
    with empty_archive() as archive:
        connect(user, archive.url)
        assert not any(action.enabled for action in actions(user).values())
        user.press(user.ui.connectButton)
    user.connect_to(small_server)
    assert not any("Store" in text for text in actions(user))
