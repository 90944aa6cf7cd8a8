"""The archive of the user, through a gateway that the module starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import slicer
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest

from helpers.empty_archive import EmptyArchive, empty_archive
from helpers.processes import is_there

pytest.importorskip("dicomweb_client")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmptyArchive]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with empty_archive() as archive:
        yield archive


def gateway(user):
    return user.module.widget.logic.archiveGateway


def dialog(user):
    """Press Archive…, and return the dialog that opens."""
    user.press(user.ui.archiveButton)
    return user.panel.archive.dialog


def connect(user, address: str, name: str = "", secret: str = "") -> None:
    asked = dialog(user)
    asked.addressBox.currentText = address
    asked.userLineEdit.text = name
    QTest.keyClicks(asked.secretLineEdit, secret)
    QTest.mouseClick(asked.connectButton, Qt.LeftButton)


def test_its_series_are_listed_and_can_be_searched(user, archive):
    connect(user, archive.url)
    assert f"Starting the gateway to {archive.url}" in user.status
    user.wait_for_status("offers one image")
    assert user.ui.connectionLabel.text == f"Connected to {archive.url}"
    user.wait_for(lambda: user.panel.browser.images.listing.search_keywords, "the search")
    assert not user.ui.archiveButton.isVisible()


def test_its_port_is_kept_nowhere_as_it_is_another_each_time(user, archive):
    connect(user, archive.url)
    user.wait_for_status("offers one image")
    port = gateway(user).address[1]
    assert user.ui.portSpinBox.value != port
    assert str(port) not in str(QSettings().value("IGTLMetaBrowser/EndpointHistory"))


def test_the_gateway_ends_when_the_user_disconnects(user, archive):
    connect(user, archive.url)
    user.wait_for_status("offers one image")
    process_id = gateway(user)._process.process_id
    user.press(user.ui.connectButton)
    assert not gateway(user).isRunning
    user.wait_for(lambda: not is_there(process_id), "the end of the process")
    assert user.ui.archiveButton.isVisible()


def test_the_gateway_ends_with_the_module(user, archive):
    connect(user, archive.url)
    user.wait_for_status("offers one image")
    process_id = gateway(user)._process.process_id
    user.module.cleanup()
    assert not is_there(process_id)


def test_while_it_starts_it_can_be_cancelled(user, archive):
    archive.may_answer.clear()
    connect(user, archive.url)
    process_id = gateway(user)._process.process_id
    assert user.ui.archiveButton.text == "Cancel"
    user.press(user.ui.archiveButton)
    assert "was cancelled" in user.status
    assert user.ui.archiveButton.text == "&Archive…"
    archive.may_answer.set()
    user.wait_for(lambda: not is_there(process_id), "the end of the process")
    assert not user.panel.browser.connection.has_server


def test_an_archive_that_refuses_is_explained(user, archive):
    archive.status = 401
    connect(user, archive.url, "doe", "wrong")
    user.wait_for_status("HTTP 401")
    assert "it does not accept the user name and password, or the token" in user.status
    assert "--" not in user.status
    assert user.ui.archiveButton.text == "&Archive…"


def test_a_gateway_that_dies_is_explained_and_left(user, archive):
    connect(user, archive.url)
    user.wait_for_status("offers one image")
    gateway(user)._process._process.kill()
    user.wait_for_status("has ended")
    assert not user.panel.browser.connection.has_server


def test_a_password_is_told_to_the_archive_and_never_kept(user, archive):
    connect(user, archive.url, "doe", "secret-4711")
    user.wait_for_status("offers one image")
    assert archive.authorizations[0] == "Basic ZG9lOnNlY3JldC00NzEx"
    settings = QSettings()
    assert not [k for k in settings.allKeys() if "secret-4711" in str(settings.value(k))]
    user.press(user.ui.connectButton)
    asked = dialog(user)
    assert asked.addressBox.currentText == archive.url
    assert asked.userLineEdit.text == "doe"
    assert asked.secretLineEdit.text == ""


def test_a_password_in_the_url_is_taken_out_of_it(user, archive):
    connect(user, archive.url.replace("://", "://doe:secret-4711@"))
    user.wait_for_status("offers one image")
    assert archive.authorizations[0] == "Basic ZG9lOnNlY3JldC00NzEx"
    assert "secret" not in user.ui.connectionLabel.text
    assert "secret" not in str(QSettings().value("IGTLMetaBrowser/Archives"))


def test_what_is_no_address_is_said_in_the_dialog(user):
    asked = dialog(user)
    asked.addressBox.currentText = "pacs"
    QTest.mouseClick(asked.connectButton, Qt.LeftButton)
    assert asked.dialog.isVisible()
    assert "'pacs' is not a DICOMweb URL such as https://pacs/dicom-web" in asked.problemLabel.text
    asked.dialog.reject()


@pytest.mark.parametrize("is_wanted", [True, False])
def test_what_is_missing_is_installed_if_the_user_wants_it(user, monkeypatch, is_wanted):
    asked, installed = [], []
    monkeypatch.setattr(
        "IGTLMetaBrowserLib.ui.archive.python_packages.isInstalled", lambda _name: False
    )
    confirm = lambda text: asked.append(text) or is_wanted  # noqa: E731
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", confirm)
    monkeypatch.setattr(slicer.util, "pip_install", installed.append, raising=False)
    connect(user, "PACS@localhost:104")
    assert "needs the Python package pynetdicom" in asked[0]
    assert installed == (["pynetdicom>=3"] if is_wanted else [])
    assert "needs the Python package pynetdicom, which is not installed" in user.status
    assert not gateway(user).isRunning
