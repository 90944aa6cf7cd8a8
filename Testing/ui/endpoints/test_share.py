"""The Share section: which nodes are shared, to whom, who has come, and what they have fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import slicer
from PySide6.QtCore import Qt

from IGTLMetaBrowserLib import net


@pytest.fixture
def sharer(user, unused_port):
    """A user who has opened the section; the scene has two volumes."""
    for name in ("Head", "Knee"):
        slicer.util.addVolumeFromArray(np.zeros((2, 2, 2), np.int16), name=name)
    user.ui.shareCollapsibleButton.collapsed = False
    user.ui.servePortSpinBox.value = unused_port
    return user


@pytest.fixture
def elsewhere(user) -> Iterator[Callable]:
    """Does something in another thread, as another program would; Qt's event loop goes on."""
    with ThreadPoolExecutor(1) as executor:

        def run(work: Callable) -> object:
            future = executor.submit(work)
            user.wait_for(future.done, "what is done elsewhere")
            return future.result()

        yield run


def listed(user) -> list[tuple[str, bool]]:
    """The nodes in the list, and whether they are checked."""
    view = user.ui.sharedNodesListWidget
    items = [view.item(row) for row in range(view.count)]
    return [(item.text(), item.checkState() == Qt.Checked) for item in items]


def check(user, row: int, is_checked: bool = True) -> None:
    item = user.ui.sharedNodesListWidget.item(row)
    item.setCheckState(Qt.Checked if is_checked else Qt.Unchecked)


def offered(user, elsewhere, **settings) -> list[str]:
    """The names of the images that a client finds."""
    port = user.ui.servePortSpinBox.value

    def ask() -> list[str]:
        with net.Client("127.0.0.1", port, net.ConnectionSettings(**settings)) as client:
            return [item.name for item in client.list_images()]

    return elsewhere(ask)


def test_all_is_shared_unless_the_user_unchecks_it(sharer, elsewhere):
    assert listed(sharer) == [("Head (volume)", True), ("Knee (volume)", True)]
    check(sharer, 1, False)
    sharer.press(sharer.ui.serveButton)
    assert offered(sharer, elsewhere) == ["Head"]
    check(sharer, 1)  # also while it is shared
    assert offered(sharer, elsewhere) == ["Head", "Knee"]


def test_a_segmentation_can_be_shared(sharer):
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    sharer.wait_for(lambda: ("Tumor (segmentation)", True) in listed(sharer), "its row")


def test_what_comes_later_is_shared_only_if_all_is(sharer, elsewhere):
    check(sharer, 0, False)
    slicer.util.addVolumeFromArray(np.zeros((2, 2, 2), np.int16), name="Other patient")
    sharer.wait_for(lambda: len(listed(sharer)) == 3, "the new volume")
    assert listed(sharer)[2] == ("Other patient (volume)", False)
    sharer.press(sharer.ui.serveButton)
    assert offered(sharer, elsewhere) == ["Knee"]


def test_in_another_scene_all_is_shared_again_and_nothing_is_served(sharer):
    check(sharer, 0, False)
    sharer.press(sharer.ui.serveButton)
    slicer.mrmlScene.Clear(0)
    assert not sharer.ui.serveButton.checked
    slicer.util.addVolumeFromArray(np.zeros((2, 2, 2), np.int16), name="Foot")
    sharer.wait_for(lambda: listed(sharer) == [("Foot (volume)", True)], "the new scene")


def test_the_user_sees_who_has_come_and_what_they_have_fetched(sharer, elsewhere):
    assert not sharer.ui.clientsTableView.visible
    sharer.press(sharer.ui.serveButton)
    port = sharer.ui.servePortSpinBox.value

    def fetch() -> None:
        with net.Client("127.0.0.1", port) as client:
            client.get_image(next(item.id for item in client.list_images() if item.name == "Knee"))
            client.get_trajectories()

    elsewhere(fetch)
    model = sharer.panel.share.clients.model
    sharer.wait_for(lambda: model.rowCount() == 1, "the client")
    sharer.wait_for(lambda: model.copiedText(0, 0).endswith(", left"), "the end of the client")
    assert model.copiedText(0, 0).startswith("127.0.0.1:")
    assert model.copiedText(0, 1) == "Knee, trajectories"
    assert sharer.ui.clientsTableView.visible


def test_with_a_certificate_it_is_shared_with_tls(sharer, elsewhere, authority):
    sharer.ui.shareCertificatePathLineEdit.currentPath = str(authority.issue("127.0.0.1"))
    sharer.press(sharer.ui.serveButton)
    assert not sharer.ui.shareCertificatePathLineEdit.enabled
    assert offered(sharer, elsewhere, tls=net.ClientTLS(authority.file)) == ["Head", "Knee"]
    with pytest.raises(net.NetworkError):
        offered(sharer, elsewhere)


def test_a_client_without_a_certificate_of_the_authority_is_refused(sharer, elsewhere, authority):
    sharer.ui.shareCertificatePathLineEdit.currentPath = str(authority.issue("127.0.0.1"))
    sharer.ui.shareClientAuthorityPathLineEdit.currentPath = str(authority.file)
    sharer.press(sharer.ui.serveButton)
    with pytest.raises(net.NetworkError):
        offered(sharer, elsewhere, tls=net.ClientTLS(authority.file))
    known = net.ClientTLS(authority.file, authority.issue("navigation.example"))
    assert offered(sharer, elsewhere, tls=known) == ["Head", "Knee"]
    model = sharer.panel.share.clients.model
    texts = [model.copiedText(row, 0) for row in range(model.rowCount())]
    assert any("navigation.example" in text for text in texts)


def test_only_allowed_networks_may_connect(sharer, elsewhere):
    sharer.ui.remoteCheckBox.click()
    sharer.ui.allowedNetworksLineEdit.text = "10.1.0.0/16"
    sharer.press(sharer.ui.serveButton)
    assert sharer.ui.servingLabel.text == "On 0.0.0.0"
    with pytest.raises(net.NetworkError):
        offered(sharer, elsewhere)


def test_networks_that_are_none_are_said(sharer):
    sharer.ui.remoteCheckBox.click()
    sharer.ui.allowedNetworksLineEdit.text = "10.1.0.0/99"
    sharer.press(sharer.ui.serveButton)
    assert "'10.1.0.0/99' is not a network such as 10.1.0.0/16" in sharer.status
    assert not sharer.ui.serveButton.checked
    sharer.ui.allowedNetworksLineEdit.text = "10.1.0.0/16"
    sharer.press(sharer.ui.serveButton)
    assert "10.1.0.0/99" not in sharer.status


def test_a_certificate_that_cannot_be_read_is_named(sharer, tmp_path):
    sharer.ui.shareCertificatePathLineEdit.currentPath = str(tmp_path / "none.pem")
    sharer.press(sharer.ui.serveButton)
    assert "none.pem" in sharer.status
    assert sharer.ui.servingLabel.text == "Not served"


def test_the_user_is_warned_of_an_open_port(sharer):
    ui = sharer.ui
    assert not ui.shareWarningLabel.visible
    ui.remoteCheckBox.click()
    assert ui.shareWarningLabel.visible
    ui.allowedNetworksLineEdit.text = "10.1.0.0/16"
    assert ui.shareWarningLabel.visible
    ui.shareCertificatePathLineEdit.currentPath = "me.pem"
    assert not ui.shareWarningLabel.visible


def test_files_and_networks_are_kept_but_not_that_others_may_connect(sharer):
    sharer.ui.remoteCheckBox.click()
    sharer.ui.allowedNetworksLineEdit.text = "10.1.0.0/16"
    sharer.ui.shareKeyPathLineEdit.currentPath = "me.key"
    sharer.module.reload()
    assert sharer.ui.allowedNetworksLineEdit.text == "10.1.0.0/16"
    assert sharer.ui.shareKeyPathLineEdit.currentPath == "me.key"
    assert not sharer.ui.remoteCheckBox.checked
