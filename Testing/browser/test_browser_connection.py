"""How a connection is made, used and left."""

from __future__ import annotations

import pytest

from helpers.hospital import of_type, step_until_event
from helpers.peers import ScriptedServer, serve_well
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.browser import BrowserError
from IGTLMetaBrowserLib.browser.events import (
    Asked,
    Connected,
    Connecting,
    ConnectionState,
    Disconnected,
    Failed,
    ImageFailed,
    Listed,
    Reconnecting,
)


def test_observers_hear_how_a_connection_is_made_used_and_left(unconnected, events, server):
    address = f"{server.host}:{server.port}"
    unconnected.connect(server.host, server.port)
    unconnected.wait_until_connected()
    entries = unconnected.list_images()
    unconnected.disconnect()
    assert [entry.id for entry in entries] == ["MR", "CT", "BROKEN", "PHOTO"]
    assert events == [
        Connecting(address),
        Connected(address),
        Asked(),
        Listed(entries),
        Disconnected(address, None),
    ]
    assert not unconnected.connection.has_server
    assert unconnected.images.listing.entries == []


def test_a_server_is_the_same_in_capitals(browser, server):
    node = browser.load_image("CT")
    browser.connect("localhost", server.port)
    other = browser.load_image("CT")
    browser.connect("LocalHost", server.port)
    assert browser.images.node("CT") is other is not node


def test_an_observer_that_was_removed_hears_nothing(browser, events):
    browser.remove_observer(events.append)
    browser.list_images()
    assert events == []


def test_what_needs_a_server_says_so_where_there_is_none(unconnected):
    for ask in (unconnected.list_images, unconnected.load_trajectories):
        with pytest.raises(BrowserError, match="connect to a server first"):
            ask()
    with pytest.raises(BrowserError, match="connect to a server first"):
        unconnected.request_images(["MR"])


def test_a_connection_that_fails_says_why(unconnected, events, closed_port):
    unconnected.connect("127.0.0.1", closed_port)
    with pytest.raises(net.ConnectionFailedError, match="refused; check the port"):
        unconnected.wait_until_connected()
    assert isinstance(events[-1], Disconnected)
    assert isinstance(events[-1].error, net.ConnectionFailedError)


def test_waiting_for_a_connection_that_failed_already_says_why(unconnected, events, closed_port):
    unconnected.connect("127.0.0.1", closed_port)
    step_until_event(unconnected, events, Disconnected)
    with pytest.raises(net.ConnectionFailedError, match="refused"):
        unconnected.wait_until_connected()


def test_a_list_that_does_not_come_fails(unconnected, events, closed_port):
    unconnected.connect("127.0.0.1", closed_port)
    with pytest.raises(net.ConnectionFailedError):
        unconnected.list_images()
    failed, disconnected = events[-2:]
    assert isinstance(failed, Failed)
    assert disconnected.error is failed.error
    assert not unconnected.connection.has_server


def test_the_state_of_the_connection_can_be_seen(unconnected, server):
    states = []

    def note(_event):
        state = (unconnected.connection.state, unconnected.connection.is_waiting)
        if not states or state != states[-1]:
            states.append(state)

    unconnected.add_observer(note)
    assert unconnected.connection.state is ConnectionState.NOT_CONNECTED
    unconnected.connect(server.host, server.port)
    unconnected.wait_until_connected()
    unconnected.list_images()
    unconnected.disconnect()
    assert states == [
        (ConnectionState.CONNECTING, False),
        (ConnectionState.CONNECTED, False),
        (ConnectionState.CONNECTED, True),
        (ConnectionState.CONNECTED, False),
        (ConnectionState.NOT_CONNECTED, False),
    ]


def test_a_first_connection_that_is_refused_is_not_tried_again_by_itself(
    unconnected, events, closed_port
):
    unconnected.connect("127.0.0.1", closed_port)
    step_until_event(unconnected, events, Disconnected)
    assert unconnected.connection.state is ConnectionState.NOT_CONNECTED
    assert unconnected.connection.next_attempt is None
    assert unconnected.next_deadline is None
    assert of_type(events, Reconnecting) == []


def test_images_that_wait_for_a_first_connection_fail_with_it(unconnected, events, closed_port):
    unconnected.connect("127.0.0.1", closed_port)
    unconnected.request_images(["MR", "CT"])
    step_until_event(unconnected, events, Disconnected)
    assert unconnected.queue == []
    failed = of_type(events, ImageFailed)
    assert [event.image_id for event in failed] == ["MR", "CT"]
    assert all("refused; check the port" in str(event.error) for event in failed)


def test_a_server_that_does_not_answer_is_left_and_the_next_question_connects(unconnected, events):
    def say_nothing(peer):
        peer.wait_until_closed()

    with ScriptedServer(say_nothing, serve_well) as server:
        server.only_silence_counts()
        unconnected.connect("127.0.0.1", server.port, answer_timeout=0.2)
        with pytest.raises(net.TimeOutError, match=r"did not answer in 0\.2 s"):
            unconnected.load_image("MR")
        unconnected.load_image("MR")
        unconnected.disconnect()
    disconnected, left = of_type(events, Disconnected)
    assert isinstance(disconnected.error, net.TimeOutError)
    assert left.error is None
    assert len(of_type(events, Connected)) == 2


def test_the_settings_of_a_server_count_while_it_is_connected(unconnected, server):
    lps = net.ConnectionSettings(answer_timeout=60.0, coordinates=codec.Coordinates.LPS)
    unconnected.connect(server.host, server.port, lps, connect_timeout=1.0)
    assert unconnected.connection.client.settings == net.ConnectionSettings(
        connect_timeout=1.0, answer_timeout=60.0, coordinates=codec.Coordinates.LPS
    )
    assert unconnected.images.in_scene.coordinates is codec.Coordinates.LPS
    assert unconnected.trajectories.markups.coordinates is codec.Coordinates.LPS
    unconnected.connect(server.host, server.port)
    assert unconnected.images.in_scene.coordinates is None
