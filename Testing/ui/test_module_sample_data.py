"""The Sample Data module offers an image of the demo endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from slicerhost import wait_until

SAMPLE_NAME = "OpenIGTLinkHeadPhantomMR"


@pytest.fixture
def source(user):
    from SampleData import SampleDataLogic

    return SampleDataLogic().sourceForSampleName(SAMPLE_NAME)


def volumes(slicer_host) -> list:
    return list(slicer_host.util.getNodesByClass("vtkMRMLScalarVolumeNode"))


def press(source) -> None:
    """What the button of the Sample Data module does."""
    source.customDownloader(source)


def test_the_module_is_registered_once(load_slicer_module, user, slicer_host):
    from SampleData import SampleDataLogic

    slicer_host.app.startupCompleted.emit()
    sources = SampleDataLogic.sampleDataSourcesByCategory()
    assert [s.sampleName for s in sources[user.module.module.title]] == [SAMPLE_NAME]


def test_its_thumbnail_is_a_picture_of_the_size_that_slicer_asks_for(source):
    picture = QImage(source.thumbnailFileName)
    assert Path(source.thumbnailFileName).is_file()
    assert (picture.width(), picture.height()) == (260, 280)


def test_pressing_it_loads_the_image_and_shows_it(source, user, slicer_host):
    press(source)
    wait_until(lambda: volumes(slicer_host), 20, "the sample image")
    (volume,) = volumes(slicer_host)
    assert volume.GetName() == "MR head T1, oblique sagittal"
    assert volume.GetAttribute("DICOM.PatientName") == "Sheplogan, Vira"
    background = slicer_host.app.applicationLogic().GetSelectionNode().GetActiveVolumeID()
    assert background in (None, volume.GetID())


def test_pressed_again_it_keeps_the_node(source, user, slicer_host):
    press(source)
    wait_until(lambda: volumes(slicer_host), 20, "the sample image")
    loader = user.module.widget.sampleImage
    press(source)
    wait_until(
        lambda: loader._browser.images.downloads.current is None, 20, "the sample image again"
    )
    assert len(volumes(slicer_host)) == 1


def test_the_connection_of_the_window_is_not_disturbed(source, user, small_server, slicer_host):
    browser = user.module.widget.logic.browser
    browser.connect("127.0.0.1", small_server)
    wait_until(lambda: len(browser.images.listing.entries) == 4, 20, "the list")
    press(source)
    wait_until(lambda: volumes(slicer_host), 20, "the sample image")
    assert browser.connection.host_and_port == ("127.0.0.1", small_server)
    assert len(browser.images.listing.entries) == 4


def test_it_can_be_pressed_after_a_reload(source, user, slicer_host):
    user.module.reload()
    press(source)
    wait_until(lambda: volumes(slicer_host), 20, "the sample image")


def test_a_scene_that_is_closed_meanwhile_gets_no_image(source, user, slicer_host):
    press(source)
    browser = user.module.widget.sampleImage._browser
    wait_until(lambda: browser.images.downloads.current, 20, "the transfer to begin")
    slicer_host.mrmlScene.Clear(0)
    wait_until(lambda: not browser.images.downloads.current, 20, "the transfer to end")
    assert volumes(slicer_host) == []
    press(source)
    wait_until(lambda: volumes(slicer_host), 20, "the sample image in the new scene")
