"""Live images recorded into a Sequence while they are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
import slicer

from helpers.hospital import of_type, step_until, step_until_event
from helpers.live_frames import ask_for_next, frame, stream
from helpers.peers import ScriptedServer, make_image
from helpers.scripts import burst
from IGTLMetaBrowserLib.browser.events import LiveImage, RecordingStarted, RecordingStopped
from IGTLMetaBrowserLib.browser.images import recordings
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images import sequence_recording
from IGTLMetaBrowserLib.scene.images.sequence_recording import frame_size


def shades(recording):
    """The first voxel of each frame that was recorded."""
    sequence = recording.sequence_node
    nodes = map(sequence.GetNthDataNode, range(sequence.GetNumberOfDataNodes()))
    return [int(slicer.util.arrayFromVolume(node).flat[0]) for node in nodes]


def test_a_recording_ends_with_its_patient(unconnected, events, sequences):
    frames = [
        replace(frame(shade), header_version=2, metadata={"PatientID": patient})
        for shade, patient in ((1, "Doe"), (20, "Doe"), (30, ""), (40, "Roe"), (50, "Roe"))
    ]
    with ScriptedServer(burst(*frames)) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        recording = unconnected.images.recordings.start("Ultrasound")
        ask_for_next(unconnected)
        step_until_event(unconnected, events, RecordingStopped)
    assert shades(recording) == [20, 30]
    assert "another patient" in recording.problem


def test_every_frame_is_recorded_also_those_that_are_not_shown(unconnected, events, sequences):
    frames = [frame(shade) for shade in (1, 20, 30, 40, 50)]
    with ScriptedServer(burst(*frames)) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        recording = unconnected.images.recordings.start("Ultrasound")
        assert of_type(events, RecordingStarted) == [RecordingStarted("Ultrasound")]
        ask_for_next(unconnected)
        step_until(unconnected, lambda: recording.frames == 4, "four frames")
        unconnected.images.recordings.stop("Ultrasound")
    assert shades(recording) == [20, 30, 40, 50]
    (stopped,) = of_type(events, RecordingStopped)
    assert stopped.recording is recording
    assert recording.browser_node.GetProxyNode(recording.sequence_node) is recording.volume_node
    assert recording.volume_node is not unconnected.images.node("Ultrasound")


def test_what_was_not_copied_yet_when_it_was_stopped_is_copied_in_turns(
    unconnected, events, sequences, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recordings, "_SECONDS_A_TURN", 0.0)  # one slice a turn
    monkeypatch.setattr(sequence_recording, "_PIECE", 4 * 3 * 2)
    frames = [replace(make_image(shade, (4, 3, 20)), device_name="US") for shade in (1, 2, 3)]
    with ScriptedServer(burst(*frames)) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        recording = unconnected.images.recordings.start("US")
        ask_for_next(unconnected)
        both = 2 * frame_size(frames[0])
        step_until(unconnected, lambda: recording.byte_count == both, "two frames to copy")
        unconnected.disconnect()
    assert not of_type(events, RecordingStopped)
    assert recording.frames < 2
    steps = 0
    while not of_type(events, RecordingStopped):
        unconnected.wait_and_step()
        steps += 1
    assert steps > 15
    assert shades(recording) == [2, 3]
    assert recording.browser_node is not None


def test_only_what_was_asked_for_is_recorded(unconnected, events, sequences):
    with ScriptedServer(stream(frame(1), frame(2, "Endoscope"), frame(3))) as server:
        unconnected.connect("127.0.0.1", server.port)
        recording = unconnected.images.recordings.start("Ultrasound")
        for count in (1, 2, 3):
            step_until_event(unconnected, events, LiveImage, count)
            ask_for_next(unconnected)
        unconnected.disconnect()
        stopped = step_until_event(unconnected, events, RecordingStopped)
    assert shades(recording) == [1, 3]
    assert stopped.recording.browser_node is not None


def test_a_recording_that_is_full_ends_and_says_so(
    unconnected, events, sequences, monkeypatch: pytest.MonkeyPatch
):
    new_recording = unconnected.images.recordings._new_recording

    def small_recording(image_id):
        recording = new_recording(image_id)
        recording._most_bytes = 100  # two frames
        return recording

    monkeypatch.setattr(unconnected.images.recordings, "_new_recording", small_recording)
    with ScriptedServer(burst(*map(frame, (1, 2, 3, 4)))) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        unconnected.images.recordings.start("Ultrasound")
        ask_for_next(unconnected)
        stopped = step_until_event(unconnected, events, RecordingStopped)
    assert shades(stopped.recording) == [2, 3]
    assert "limit" in stopped.recording.problem
    assert unconnected.images.recordings.current == {}


def test_all_recordings_together_have_a_limit(
    unconnected, events, sequences, scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recordings, "MOST_BYTES_OF_ALL", 2 * frame_size(frame(1)))

    def record_until_it_ends(count):
        with ScriptedServer(burst(*map(frame, (1, 2, 3, 4)))) as server:
            unconnected.connect("127.0.0.1", server.port)
            step_until_event(unconnected, events, LiveImage, count)
            recording = unconnected.images.recordings.start("Ultrasound")
            ask_for_next(unconnected)
            step_until_event(unconnected, events, RecordingStopped, count)
        unconnected.disconnect()
        return recording

    first = record_until_it_ends(1)
    assert (shades(first), "all recordings together" in first.problem) == ([2, 3], True)
    events.clear()
    assert record_until_it_ends(1).frames == 0
    # What the user has removed makes room.
    for node in (first.browser_node, first.sequence_node):
        scene.RemoveNode(node)
    events.clear()
    assert shades(record_until_it_ends(1)) == [2, 3]


def test_closing_the_scene_ends_it(unconnected, events, sequences, scene):
    with ScriptedServer(stream(frame(1), frame(2))) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.images.recordings.start("Ultrasound")
        step_until_event(unconnected, events, LiveImage)
        scene.Clear()
        ask_for_next(unconnected)
        step_until_event(unconnected, events, LiveImage, 2)
    (stopped,) = of_type(events, RecordingStopped)
    assert stopped.recording.browser_node is None
    assert stopped.recording.problem == "the scene was closed, and the recording with it"
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0


@pytest.mark.parametrize("comes_more", [True, False])
def test_removing_its_sequence_ends_it(unconnected, events, sequences, scene, comes_more):
    with ScriptedServer(stream(frame(1), frame(2))) as server:
        unconnected.connect("127.0.0.1", server.port)
        recording = unconnected.images.recordings.start("Ultrasound")
        step_until_event(unconnected, events, LiveImage)
        scene.RemoveNode(recording.sequence_node)
        if comes_more:
            ask_for_next(unconnected)
        else:
            unconnected.images.recordings.stop("Ultrasound")
        stopped = step_until_event(unconnected, events, RecordingStopped)
    assert stopped.recording.problem == "its sequence was removed from the scene"
    assert unconnected.images.recordings.current == {}


def test_without_the_module_sequences_it_is_refused_in_words(unconnected):
    with pytest.raises(SceneError, match="Sequences"):
        unconnected.images.recordings.start("Ultrasound")
    assert unconnected.images.recordings.current == {}
