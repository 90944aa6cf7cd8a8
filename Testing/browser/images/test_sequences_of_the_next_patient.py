"""A server gives the ids of a 4D series to the next patient's: no sequence is of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import slicer

from helpers.hospital import of_type, step_until, step_until_event
from helpers.peers import ServerInThread
from helpers.series_4d import IDS, Series4d
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import Failed, SequenceLoaded
from IGTLMetaBrowserLib.browser.images import sequences as turns
from IGTLMetaBrowserLib.scene.nodes.nodes_by_class import nodes_of_class


@pytest.fixture
def series() -> Series4d:
    return Series4d()


@pytest.fixture
def listed(unconnected: Browser, sequences: Any, series: Series4d) -> Iterator[Browser]:
    with ServerInThread(series) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        yield unconnected
        unconnected.disconnect()


def frames(player: Any) -> list[tuple[str, int]]:
    """Return the patient and the shade of each frame."""
    sequence = player.GetMasterSequenceNode()
    nodes = [sequence.GetNthDataNode(n) for n in range(sequence.GetNumberOfDataNodes())]
    return [
        (node.GetAttribute("DICOM.PatientID"), int(slicer.util.arrayFromVolume(node).ravel()[0]))
        for node in nodes
    ]


SMITHS = [("P-1", 10), ("P-1", 11), ("P-1", 12)]
JONESES = [("P-2", 50), ("P-2", 51), ("P-2", 52)]


def test_a_volume_of_the_patient_before_becomes_no_frame(listed, series):
    listed.load_image("TIME_1")
    series.next_patient()
    listed.list_images()
    assert frames(listed.load_sequence("TIME_0")) == JONESES


def test_the_window_loads_such_a_volume_anew(listed, events, series):
    listed.load_image("TIME_1")
    series.next_patient()
    listed.list_images()
    listed.images.sequences.request(["TIME_0"])
    assert frames(step_until_event(listed, events, SequenceLoaded).node) == JONESES


def test_the_sequence_of_the_patient_before_is_not_the_next_ones(listed, series, scene):
    smiths = listed.load_sequence("TIME_0")
    series.next_patient()
    listed.list_images()
    joneses = listed.load_sequence("TIME_0")
    assert frames(joneses) == JONESES
    assert frames(smiths) == SMITHS  # it stays, and is the user's own
    assert listed.load_sequence("TIME_0") is joneses
    scene.RemoveNode(joneses)
    listed.adopt_new_nodes()
    assert listed.images.sequences.browser_node(series.sequences()[0]) is None


def test_of_two_browsers_each_knows_the_one_sequence_of_the_next_patient(listed, late, series):
    address = listed.connection.host_and_port
    listed.load_sequence("TIME_0")
    late.connect(*address)
    late.list_images()
    series.next_patient()
    for one in (listed, late):
        one.list_images()
    joneses = late.load_sequence("TIME_0")
    listed.step()
    assert listed.load_sequence("TIME_0") is joneses
    assert listed.scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 2


@pytest.mark.parametrize("number", range(1, 8))
def test_another_browser_can_load_the_next_patients_image_while_it_is_made(
    listed, late, events, series, monkeypatch, number
):
    """No frame gets its voxels, nor is one of it."""
    monkeypatch.setattr(turns, "_SECONDS_A_TURN", 0.0)
    for image_id in IDS:
        listed.load_image(image_id)
    late.connect(*listed.connection.host_and_port)
    listed.images.sequences.request(IDS[:1])
    for _ in range(number):
        listed.images.sequences.work()
    series.next_patient()
    late.list_images()
    late.load_image(IDS[-1])
    step_until(listed, lambda: of_type(events, (Failed, SequenceLoaded)), "its end")
    for player in nodes_of_class(listed.scene, "vtkMRMLSequenceBrowserNode"):
        assert frames(player) == SMITHS


def test_a_patient_whose_name_was_corrected_in_one_image_is_no_other(listed):
    listed.metadata.set_value(IDS[0], "PatientName", "Smith^John")
    player = listed.load_sequence(IDS[0])
    assert frames(player) == SMITHS


def test_if_the_list_changes_while_it_is_made_there_is_none(listed, events, series, monkeypatch):
    monkeypatch.setattr(turns, "_SECONDS_A_TURN", 0.0)
    for image_id in IDS:
        listed.load_image(image_id)
    listed.images.sequences.request(IDS[:1])
    listed.images.sequences.work()
    listed.images.sequences.work()
    series.next_patient()
    listed.images.request_list()
    with monkeypatch.context() as paused:  # the list comes before the next turn
        paused.setattr(listed.images.sequences, "work", lambda: None)
        step_until(listed, lambda: of_type(events, Failed), "the words")
    assert "3 of its 3 volumes are not loaded, or not as listed now" in str(
        of_type(events, Failed)[0].error
    )
    assert listed.scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0


def test_if_it_changes_while_the_images_come_there_is_none(listed, events, series):
    listed.load_image("TIME_0")
    listed.images.sequences.request(["TIME_0"])
    series.next_patient()
    listed.images.request_list()
    step_until(listed, lambda: of_type(events, (Failed, SequenceLoaded)), "its end")
    assert not of_type(events, SequenceLoaded)
    assert "not as listed now" in str(of_type(events, Failed)[-1].error)
