"""The button that records live images into sequences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from helpers.peers import Peer, ScriptedServer
from IGTLMetaBrowserLib import codec


class Streamer:
    """A server that lists the image HEAD, and streams PROBE frame by frame, when told to."""

    def __init__(self) -> None:
        self._peer: Peer | None = None
        self._sent = 0

    def follow(self, peer: Peer) -> None:
        peer.receive()
        peer.send(codec.ImageMetaMessage(items=[codec.ImageMetaItem("Head", "HEAD", "CT")]))
        self._peer = peer
        peer.wait_until_closed()

    def stream(self, count: int) -> None:
        for _ in range(count):
            self._sent += 1
            pixels = np.full((1, 3, 4), self._sent, np.uint8)
            stamp = codec.Timestamp.from_seconds(1_700_000_000 + self._sent)
            self._peer.send(codec.ImageMessage(pixels, device_name="PROBE", timestamp=stamp))


@pytest.fixture
def streamer(user) -> Iterator[Streamer]:
    """The user is connected, and one frame has come."""
    streamer = Streamer()
    with ScriptedServer(streamer.follow) as server:
        user.connect_to(server.port)
        user.wait_for(
            lambda: user.panel.browser.images.listing.entry("HEAD") is not None, "the list"
        )
        streamer.stream(1)
        user.wait_for(lambda: user.ids() == ["HEAD", "PROBE"], "the live row")
        yield streamer
        user.panel.browser.disconnect()


def frames(user) -> int:
    return user.panel.browser.images.live.states["PROBE"].frames


def test_the_button_is_there_while_a_live_image_is_selected(user, streamer):
    assert user.ui.recordButton.isHidden()
    user.select("PROBE")
    assert not user.ui.recordButton.isHidden()
    assert not user.ui.recordButton.checked
    user.select("HEAD")
    assert user.ui.recordButton.isHidden()


def test_a_live_image_is_recorded_until_the_button_is_pressed_again(user, streamer, slicer_host):
    user.select("PROBE")
    user.press(user.ui.recordButton)
    assert user.ui.recordButton.checked
    assert "Recording 'PROBE'" in user.status

    streamer.stream(3)
    user.wait_for(lambda: frames(user) == 4, "three more frames")
    user.press(user.ui.recordButton)
    assert not user.ui.recordButton.checked
    user.wait_for_status("3 frames of 'PROBE' recorded")  # when all are copied

    (sequence,) = slicer_host.util.getNodesByClass("vtkMRMLSequenceNode")
    assert sequence.GetNumberOfDataNodes() == 3
    last = slicer_host.util.arrayFromVolume(sequence.GetNthDataNode(2))
    assert last.max() == 4


def test_it_is_not_said_how_to_replay_what_is_not_there(user, streamer, slicer_host):
    user.select("PROBE")
    user.press(user.ui.recordButton)
    user.press(user.ui.recordButton)
    assert user.status == "Nothing was recorded: no frame of 'PROBE' came meanwhile."
    user.press(user.ui.recordButton)
    streamer.stream(1)
    user.wait_for(lambda: frames(user) == 2, "one more frame")
    slicer_host.mrmlScene.Clear()
    user.wait_for_status("the scene was closed, and the recording with it")


def test_the_state_of_the_button_is_that_of_the_selected_image(user, streamer):
    user.select("PROBE")
    user.press(user.ui.recordButton)
    user.select("HEAD")
    user.select("PROBE")
    assert user.ui.recordButton.checked


def test_leaving_the_server_ends_the_recording(user, streamer):
    user.select("PROBE")
    user.press(user.ui.recordButton)
    user.press(user.ui.connectButton)
    assert user.panel.browser.images.recordings.current == {}
    assert user.ui.recordButton.isHidden()
