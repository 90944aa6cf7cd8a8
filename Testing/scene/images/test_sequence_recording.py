"""Live images recorded into a Sequence, and replayed by Slicer's own logic."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
import slicer

from IGTLMetaBrowserLib.codec import ImageMessage, Timestamp
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images import sequence_recording
from IGTLMetaBrowserLib.scene.images.sequence_recording import SequenceRecording
from IGTLMetaBrowserLib.scene.images.volumes import show_image
from IGTLMetaBrowserLib.scene.server_nodes.attributes import TIMESTAMP_ATTRIBUTE

BEGIN = datetime(2024, 5, 14, 8, 30, tzinfo=timezone.utc)


def frame(value, seconds=None, shape=(1, 3, 4), dtype=np.uint8, **fields):
    """A frame that was made so many seconds after the first one; None: the server does not say."""
    moment = Timestamp()
    if seconds is not None:
        moment = Timestamp.from_datetime(BEGIN + timedelta(seconds=seconds))
    return ImageMessage(np.full(shape, value, dtype), timestamp=moment, **fields)


@pytest.fixture
def recording(scene, sequences):
    return SequenceRecording(scene, "US")


def record(recording, *images):
    for image in images:
        recording.add(image)
    recording.stop()
    return recording


def times(recording):
    sequence = recording.sequence_node
    count = sequence.GetNumberOfDataNodes()
    return [float(sequence.GetNthIndexValue(number)) for number in range(count)]


def values(recording):
    sequence = recording.sequence_node
    nodes = map(sequence.GetNthDataNode, range(sequence.GetNumberOfDataNodes()))
    return [slicer.util.arrayFromVolume(node).ravel().tolist() for node in nodes]


def test_each_frame_is_a_volume_at_its_time(recording):
    record(recording, frame(1, 0), frame(2, 0.04), frame(3, 0.1))
    sequence = recording.sequence_node
    assert (sequence.GetIndexName(), sequence.GetIndexUnit()) == ("time", "s")
    assert times(recording) == [0, 0.04, 0.1]
    assert values(recording) == [[1] * 12, [2] * 12, [3] * 12]
    attribute = sequence.GetNthDataNode(1).GetAttribute(TIMESTAMP_ATTRIBUTE)
    assert attribute == "2024-05-14T08:30:00.040000+00:00"


def test_slicers_own_logic_replays_it_in_a_volume_of_its_own(scene, sequences, recording):
    matrix = np.array([[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 5, 30]], float)
    live = show_image(scene, frame(9), "US")
    record(recording, frame(1, 0, matrix=matrix), frame(2, 0.5, matrix=matrix + 1))
    browser, volume = recording.browser_node, recording.volume_node
    assert slicer.util.arrayFromVolume(volume).max() == 1
    browser.SetSelectedItemNumber(1)
    sequences.UpdateProxyNodesFromSequences(browser)
    assert browser.GetProxyNode(recording.sequence_node) is volume
    assert slicer.util.arrayFromVolume(volume).max() == 2
    assert volume.GetSpacing() == pytest.approx(np.linalg.norm((matrix + 1)[:, :3], axis=0))
    assert volume.GetName() == "US recording"
    assert browser.GetPlaybackRateFps() == pytest.approx(2)
    assert slicer.util.arrayFromVolume(live).max() == 9


def test_what_is_recorded_does_not_change_with_the_live_volume(scene, recording):
    image = frame(1, 0)
    node = show_image(scene, image, "US")
    recording.add(image)
    recording.work(1)
    slicer.util.arrayFromVolume(node)[:] = 77
    record(recording)
    assert values(recording) == [[1] * 12]


def test_a_part_of_an_image_changes_that_part_of_the_frame_before(recording):
    part = ImageMessage(np.full((1, 1, 2), 9, np.uint8), size=(4, 3, 1), offset=(1, 1, 0))
    record(recording, frame(1), part)
    expected = np.ones((3, 4), int)
    expected[1, 1:3] = 9
    assert values(recording) == [[1] * 12, expected.ravel().tolist()]


def test_a_part_of_a_big_endian_image_changes_that_part_too(recording):
    whole = ImageMessage(np.full((1, 3, 4), 700, ">i2"))
    part = ImageMessage(np.full((1, 1, 1), 9, ">i2"), size=(4, 3, 1), offset=(3, 2, 0))
    record(recording, whole, part)
    assert values(recording)[1] == [700] * 11 + [9]


def test_without_times_it_is_by_arrival_and_equal_or_earlier_times_do_not_replace_a_frame(
    recording,
):
    record(recording, frame(1, 5), frame(2, 5), frame(3, 4), frame(4), frame(5, 9))
    assert [frame_values[0] for frame_values in values(recording)] == [1, 2, 3, 4, 5]
    assert times(recording)[0] == 0
    assert times(recording)[-1] == 4
    assert times(recording) == sorted(set(times(recording)))


def test_colors_and_big_endian_voxels_keep_their_values(recording):
    rgb = ImageMessage(np.arange(36, dtype=np.uint8).reshape(1, 3, 4, 3))
    record(recording, rgb)
    node = recording.sequence_node.GetNthDataNode(0)
    assert node.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert recording.volume_node.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert values(recording) == [list(range(36))]


def test_big_endian_voxels_keep_their_values(recording):
    record(recording, ImageMessage(np.arange(12, dtype=">i2").reshape(1, 3, 4)))
    assert values(recording) == [list(range(12))]


def test_frames_that_cannot_be_shown_are_left_out(recording):
    flat = np.zeros((3, 4))
    record(recording, frame(1, 0), replace(frame(2, 1), matrix=flat), frame(3, 2, shape=(0, 3, 4)))
    assert (recording.frames, times(recording)) == (1, [0])


def test_it_ends_when_the_memory_it_may_have_is_full(scene, sequences):
    recording = SequenceRecording(scene, "US", most_bytes=30)
    for number in range(3):
        recording.add(frame(number, number))
    assert not recording.is_recording
    assert "limit" in recording.problem
    recording.stop()
    assert (recording.frames, recording.byte_count) == (2, 24)
    assert recording.browser_node is not None


@pytest.mark.parametrize("shape", [(50, 4, 4), (1, 50, 16), (1, 1, 800)])
def test_a_large_frame_is_copied_in_turns(recording, monkeypatch, shape):
    """Whether it has many slices, or one that is large."""
    monkeypatch.setattr(sequence_recording, "_PIECE", 16)  # bytes
    recording.add(frame(1, 0, shape=shape))
    turns = 0
    while recording.is_working:
        recording.work(0)
        turns += 1
    assert turns >= 50
    assert recording.frames == 1
    last = ImageMessage(np.ones((1, 1, 2), np.uint8), size=shape[::-1])
    recording.add(last)
    recording.work(0)
    assert recording.is_working  # what is not in the part is copied in turns as well
    recording.stop()
    assert recording.frames == 2


def test_without_the_module_sequences_nothing_is_recorded(scene):
    with pytest.raises(SceneError, match="Sequences"):
        SequenceRecording(scene, "US")
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0


def test_without_a_frame_nothing_is_left_in_the_scene(scene, recording):
    record(recording)
    classes = ("vtkMRMLSequenceNode", "vtkMRMLSequenceBrowserNode", "vtkMRMLVolumeNode")
    assert [scene.GetNumberOfNodesByClass(name) for name in classes] == [0, 0, 0]


def test_after_the_scene_was_closed_nothing_comes_into_it(scene, recording):
    recording.add(frame(1, 0))
    scene.Clear()
    recording.abandon()
    recording.stop()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0
    assert not recording.is_working


def test_one_whose_sequence_the_user_removed_ends_quietly(scene, recording):
    recording.add(frame(1, 0))
    scene.RemoveNode(recording.sequence_node)
    recording.stop()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode") == 0
