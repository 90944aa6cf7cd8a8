"""A 4D series is loaded as a sequence, by the menu of its row; its rows count as loaded."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from helpers.peers import ServerInThread
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.list_metadata.image_sequences import ImageSequence

TIMES = ("T0", "T1", "T2")


class Perfusion(SmallSource):
    """Three times of one place, beside the images of ``SmallSource``."""

    unreadable = ""

    def images(self):
        uint8 = codec.ScalarType.UINT8
        times = [
            codec.ImageMetaItem(
                f"Perfusion {n} of 3", image_id, "CT", size=(4, 3, 2), scalar_type=uint8
            )
            for n, image_id in enumerate(TIMES, start=1)
        ]
        return [*super().images(), *times]

    def image(self, image_id):
        if image_id == self.unreadable:
            raise net.SourceError("the file is damaged")
        if image_id not in TIMES:
            return super().image(image_id)
        return codec.ImageMessage(np.full((2, 3, 4), TIMES.index(image_id), np.uint8))

    def sequences(self):
        return [ImageSequence(TIMES, "time", "s", ("0", "1.5", "4"))]


@pytest.fixture
def source():
    return Perfusion()


@pytest.fixture
def connected(user, source):
    logic = slicer.vtkSlicerSequencesLogic()  # Slicer's module Sequences
    logic.SetMRMLScene(slicer.mrmlScene)
    with ServerInThread(source) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 7 images")
        yield user
        user.module.widget.logic.disconnectFromServer()
    logic.SetMRMLScene(None)


def players():
    return slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")


def load_as_sequence(user, image_id):
    user.select(image_id)
    menu = user.open_menu(image_id)
    user.choose(menu.loadSequence)


def test_only_images_of_a_series_can_be_loaded_as_one(connected):
    assert not connected.open_menu("A").loadSequence.enabled
    connected.panel.images.menu.menu.close()
    assert connected.open_menu("T1").loadSequence.enabled
    connected.panel.images.menu.menu.close()


def test_all_volumes_of_the_series_become_one_sequence_and_are_loaded(connected):
    load_as_sequence(connected, "T1")
    connected.wait_for(players, "the sequence")
    connected.wait_for_status("3 volumes are one sequence")
    (player,) = players()
    assert player.GetNumberOfItems() == 3
    assert {connected.state(image_id) for image_id in TIMES} == {"loaded"}
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert volumes == [player.GetProxyNode(player.GetMasterSequenceNode())]


def test_show_in_views_shows_the_frame_of_the_row(connected):
    load_as_sequence(connected, "T0")
    connected.wait_for(players, "the sequence")
    connected.select("T2")
    connected.choose(connected.open_menu("T2").showInViews)
    assert players()[0].GetSelectedItemNumber() == 2


def test_a_volume_that_is_loaded_again_gets_a_node_of_its_own(connected):
    load_as_sequence(connected, "T0")
    connected.wait_for(players, "the sequence")
    connected.load("T1")
    node = connected.panel.browser.images.node("T1")
    assert slicer.util.arrayFromVolume(node).max() == 1
    assert node is not players()[0].GetProxyNode(players()[0].GetMasterSequenceNode())


def test_without_the_sequence_its_rows_are_not_loaded(connected):
    load_as_sequence(connected, "T0")
    connected.wait_for(players, "the sequence")
    player = players()[0]
    slicer.mrmlScene.RemoveNode(player.GetProxyNode(player.GetMasterSequenceNode()))
    not_loaded = connected.state("A")
    connected.wait_for(lambda: connected.state("T0") == not_loaded, "the row's state")


def test_if_a_volume_cannot_be_loaded_there_is_no_sequence_and_it_is_said(connected, source):
    source.unreadable = "T1"
    load_as_sequence(connected, "T0")
    connected.wait_for_status("No sequence was made: 1 of its 3 volumes are not loaded")
    assert players() == []
    assert connected.state("T0") == "loaded"


def test_cancelled_there_is_no_sequence(connected):
    connected.select("T0")
    connected.panel.images.loadSelectedSequences()
    connected.panel.browser.images.cancel()
    connected.load("T0")
    assert players() == []


def test_in_a_saved_scene_the_rows_are_loaded_again(connected, tmp_path):
    load_as_sequence(connected, "T0")
    connected.wait_for(players, "the sequence")
    browser = connected.panel.browser
    frames = browser.images.in_scene.volumes._frames
    frames.__init__(slicer.mrmlScene)  # as in a new session: only the scene knows of it
    browser.images.adopt()
    assert {connected.state(image_id) for image_id in TIMES} == {"loaded (note)"}
    assert browser.images.sequences.browser_node(browser.images.sequences.of("T0")) is players()[0]
