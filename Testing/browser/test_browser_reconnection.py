"""A connection that is lost is made again, with growing delays."""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta, timezone

import pytest

from helpers.hospital import (
    finish,
    of_type,
    step_until,
    step_until_event,
    vanish,
    voxels,
)
from helpers.peers import (
    PATIENCE,
    TRAJECTORY,
    ScriptedServer,
    ServerInThread,
    make_image,
    serve_well,
)
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser import reconnection, server_images
from IGTLMetaBrowserLib.browser.events import (
    Asked,
    Connected,
    Connecting,
    ConnectionState,
    Deferred,
    Disconnected,
    Failed,
    ImageFailed,
    ImageLoaded,
    ImageProgress,
    ImageStatus,
    ImagesWaiting,
    Listed,
    ListUnanswered,
    Reconnecting,
    TrajectoriesShown,
)
from IGTLMetaBrowserLib.browser.lists.image_search import NO_SEARCH
from IGTLMetaBrowserLib.browser.lists.listing import Listing

SHORT = (0.01,)


def leave(peer):
    """Script: close the connection as soon as it stands."""


def test_a_server_that_vanishes_within_an_image_is_reported_and_asked_again(unconnected, events):
    with ScriptedServer(vanish, serve_well) as server:
        unconnected.connect("127.0.0.1", server.port)
        with pytest.raises(net.ConnectionLostError, match=r"in the middle of .*'MR'.*try again"):
            unconnected.load_image("MR")
        assert unconnected.images.node("MR") is None
        assert voxels(unconnected.load_image("MR")) == [7, 8, 9]
        unconnected.disconnect()
    heard = [type(event) for event in events if not isinstance(event, ImageProgress | Asked)]
    assert heard[2:9] == [
        Connected,
        Disconnected,
        Reconnecting,
        ImageFailed,
        ImagesWaiting,
        Connecting,
        Connected,
    ]


def test_the_queue_goes_on_when_the_server_is_back(unconnected, events):
    with ScriptedServer(vanish, serve_well) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=SHORT)
        unconnected.request_images(["MR", "CT", "PHOTO"])
        finish(unconnected)
        unconnected.disconnect()
    assert [event.image_id for event in of_type(events, ImageFailed)] == ["MR"]
    assert [event.image_id for event in of_type(events, ImageLoaded)] == ["CT", "PHOTO"]


def test_a_lost_connection_is_made_again_by_itself(unconnected, events):
    with ScriptedServer(leave, serve_well) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=SHORT)
        reconnecting = step_until_event(unconnected, events, Reconnecting)
        step_until_event(unconnected, events, Connected, 2)
        assert unconnected.connection.state is ConnectionState.CONNECTED
        assert unconnected.connection.next_attempt is None
        unconnected.disconnect()
    address = f"127.0.0.1:{server.port}"
    error = reconnecting.error
    assert "closed the connection" in str(error)
    assert events[:6] == [
        Connecting(address),
        Connected(address),
        Disconnected(address, error),
        Reconnecting(address, error, 0.01),
        Connecting(address, is_again=True),
        Connected(address, is_again=True),
    ]


def test_the_pauses_grow_until_the_server_answers(unconnected, events):
    def answer_once(peer):
        peer.receive()
        peer.send(codec.ImageMetaMessage())

    with ScriptedServer(leave, leave, leave, leave, answer_once, leave) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.01, 0.02, 0.03))
        step_until_event(unconnected, events, Connected, 5)
        unconnected.list_images()
        step_until_event(unconnected, events, Reconnecting, 5)
        unconnected.disconnect()
    delays = [event.seconds for event in of_type(events, Reconnecting)]
    assert delays == [0.01, 0.02, 0.03, 0.03, 0.01]


def test_after_a_connection_that_stood_for_long_the_pauses_begin_anew(
    unconnected, events, monkeypatch
):
    monkeypatch.setattr(reconnection, "_LONG_CONNECTION", -1.0)  # all of them do
    with ScriptedServer(leave) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.01, 10 * PATIENCE))
        step_until_event(unconnected, events, Reconnecting, 3)
        unconnected.disconnect()


def test_the_next_attempt_and_its_time_can_be_seen(unconnected, events, hospital):
    with ServerInThread(hospital) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
    before = time.monotonic()
    step_until_event(unconnected, events, Reconnecting)
    assert unconnected.connection.state is ConnectionState.RECONNECTING
    assert before < unconnected.connection.next_attempt <= time.monotonic() + 1.0
    assert unconnected.next_deadline == unconnected.connection.next_attempt
    assert (
        len(unconnected.images.listing.entries) == 4
    )  # the old list is still shown, with its time
    assert unconnected.images.listing.listed_at is not None


def test_the_user_need_not_wait_for_the_next_attempt(unconnected, events):
    with ScriptedServer(leave, serve_well) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(10 * PATIENCE,))
        step_until_event(unconnected, events, Reconnecting)
        unconnected.connection.reconnect_now()
        assert unconnected.connection.state is ConnectionState.CONNECTING
        step_until_event(unconnected, events, Connected, 2)
        unconnected.disconnect()


def test_asking_for_something_is_an_attempt_too(unconnected, events):
    with ScriptedServer(leave, serve_well) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(10 * PATIENCE,))
        step_until_event(unconnected, events, Reconnecting)
        assert list(unconnected.list_images()) == []
        unconnected.disconnect()
    assert events[-3:-1] == [
        Connected(f"127.0.0.1:{server.port}", is_again=True),
        Listed([]),
    ]


def test_leaving_the_server_ends_the_attempts(unconnected, events):
    with ScriptedServer(leave) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(10 * PATIENCE,))
        step_until_event(unconnected, events, Reconnecting)
        unconnected.disconnect()
    assert unconnected.connection.state is ConnectionState.NOT_CONNECTED
    assert unconnected.connection.next_attempt is None
    assert unconnected.next_deadline is None


def test_the_queue_waits_while_the_server_cannot_be_reached(
    unconnected, events, hospital, reserved_port
):
    with ServerInThread(hospital, port=reserved_port):
        unconnected.connect("127.0.0.1", reserved_port, reconnect_delays=SHORT)
        unconnected.list_images()
    step_until_event(unconnected, events, Reconnecting)
    unconnected.request_images(["MR", "CT"])
    step_until_event(unconnected, events, Reconnecting, 4)
    assert unconnected.queue == ["MR", "CT"]
    assert unconnected.images.states.of("MR").status is ImageStatus.WAITING
    assert of_type(events, ImageFailed) == []
    with ServerInThread(hospital, port=reserved_port):
        finish(unconnected)
        unconnected.disconnect()
    assert [event.image_id for event in of_type(events, ImageLoaded)] == ["MR", "CT"]


def test_what_waits_for_the_server_can_be_cancelled(unconnected, events, hospital, reserved_port):
    with ServerInThread(hospital, port=reserved_port):
        unconnected.connect("127.0.0.1", reserved_port, reconnect_delays=(10 * PATIENCE,))
        unconnected.list_images()
    step_until_event(unconnected, events, Reconnecting)
    unconnected.request_images(["MR"])
    step_until_event(unconnected, events, Reconnecting, 2)
    unconnected.images.cancel()
    assert unconnected.images.states.of("MR").status is ImageStatus.CANCELLED
    assert unconnected.connection.state is ConnectionState.RECONNECTING


def test_a_script_does_not_wait_for_a_server_that_is_gone(unconnected, hospital, reserved_port):
    with ServerInThread(hospital, port=reserved_port):
        unconnected.connect("127.0.0.1", reserved_port)
        unconnected.load_image("MR")
    step_until(
        unconnected,
        lambda: unconnected.connection.state is ConnectionState.RECONNECTING,
        "the end of the connection",
    )
    with pytest.raises(net.ConnectionFailedError, match="refused"):
        unconnected.load_image("CT")
    assert unconnected.queue == []
    assert unconnected.images.states.of("MR").status is ImageStatus.LOADED


def test_what_is_asked_for_while_the_server_is_away_waits_for_it(
    unconnected, events, hospital, reserved_port
):
    with ServerInThread(hospital, port=reserved_port):
        unconnected.connect("127.0.0.1", reserved_port, reconnect_delays=SHORT)
        unconnected.list_images()
    step_until_event(unconnected, events, Reconnecting)
    unconnected.trajectories.request()
    unconnected.overlays.request_label_maps()
    step_until_event(unconnected, events, Deferred, 2)
    assert of_type(events, Deferred) == [Deferred("TRAJ", ""), Deferred("LBMETA", "")]
    assert of_type(events, Failed) == []
    with ServerInThread(hospital, port=reserved_port):
        (shown,) = [step_until_event(unconnected, events, TrajectoriesShown)]
        step_until(unconnected, lambda: not unconnected.connection.is_waiting, "all answers")
        unconnected.disconnect()
    assert len(shown.nodes) == 2


def test_a_script_that_was_told_of_a_failure_is_not_answered_later(
    unconnected, events, hospital, reserved_port
):
    with ServerInThread(hospital, port=reserved_port):
        unconnected.connect("127.0.0.1", reserved_port, reconnect_delays=SHORT)
        unconnected.list_images()
    step_until_event(unconnected, events, Reconnecting)
    with pytest.raises(net.ConnectionFailedError):
        unconnected.load_trajectories()
    with ServerInThread(hospital, port=reserved_port):
        step_until_event(unconnected, events, Connected, 2)
        assert not unconnected.connection.is_waiting
        unconnected.disconnect()


def test_an_old_list_is_read_again_after_reconnecting(
    unconnected, events, hospital, monkeypatch, reserved_port
):
    monkeypatch.setattr(server_images, "_YOUNG_LIST", 0.0)  # all lists are old
    with ServerInThread(hospital, port=reserved_port):
        unconnected.connect("127.0.0.1", reserved_port, reconnect_delays=SHORT)
        unconnected.list_images()
    step_until_event(unconnected, events, Reconnecting)
    with ServerInThread(hospital, port=reserved_port):
        step_until_event(unconnected, events, Listed, 2)
        unconnected.disconnect()


@pytest.mark.parametrize(
    ("hours_by_date", "hours", "is_old"),
    [(0, 0, False), (-5, 0, False), (-5, 1, True), (5, 0, True), (8, 0, True)],
    ids=[
        "young",
        "clock set back",
        "set back, an hour ago",
        "set forward",
        "after a night's sleep",
    ],
)
def test_how_old_a_list_is_does_not_follow_a_clock_that_is_set_back(
    monkeypatch, hours_by_date, hours, is_old
):
    """It would be young for hours, and another list on the server would not be noticed. While a
    computer sleeps, only the date goes on."""
    listing = Listing()
    assert listing.age == math.inf  # none has come
    listing.came(datetime.now(timezone.utc) - timedelta(hours=hours_by_date), NO_SEARCH, 1)
    begin = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begin + 3600 * hours)
    assert (listing.age > server_images._YOUNG_LIST) == is_old


def test_a_young_list_is_not_read_again(unconnected, events, hospital, reserved_port):
    with ServerInThread(hospital, port=reserved_port):
        unconnected.connect("127.0.0.1", reserved_port, reconnect_delays=SHORT)
        unconnected.list_images()
    step_until_event(unconnected, events, Reconnecting)
    with ServerInThread(hospital, port=reserved_port):
        step_until_event(unconnected, events, Connected, 2)
        assert not unconnected.connection.is_waiting
        unconnected.disconnect()


def test_a_list_that_nobody_has_asked_for_is_not_read(unconnected, events):
    with ScriptedServer(leave, serve_well) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=SHORT)
        step_until_event(unconnected, events, Connected, 2)
        assert not unconnected.connection.is_waiting
        unconnected.disconnect()


def test_a_server_that_offers_no_list_is_asked_once(unconnected, events):
    def ignore(peer):
        peer.wait_until_closed()

    with ScriptedServer(ignore, ignore) as server:
        server.only_silence_counts()
        unconnected.connect("127.0.0.1", server.port, answer_timeout=0.1, reconnect_delays=SHORT)
        unconnected.images.request_list()
        unanswered = step_until_event(unconnected, events, ListUnanswered)
        assert isinstance(unanswered.error, net.TimeOutError)
        assert unconnected.images.list_requests.is_unanswered
        step_until(
            unconnected,
            lambda: unconnected.connection.state is ConnectionState.CONNECTED,
            "the connection",
        )
        assert not unconnected.connection.is_waiting
        unconnected.disconnect()
    assert of_type(events, Failed) == []


def test_a_list_that_comes_after_all_is_shown(unconnected, events):
    def ignore(peer):
        peer.wait_until_closed()

    with ScriptedServer(ignore, serve_well) as server:
        server.only_silence_counts()
        unconnected.connect("127.0.0.1", server.port, answer_timeout=0.1, reconnect_delays=SHORT)
        unconnected.images.request_list()
        step_until_event(unconnected, events, ListUnanswered)
        unconnected.images.request_list()
        step_until_event(unconnected, events, Listed)
        assert not unconnected.images.list_requests.is_unanswered
        unconnected.disconnect()


def test_a_server_that_streams_but_offers_no_list_keeps_its_connection(unconnected, events):
    def stream(peer):
        peer.receive()
        while not of_type(events, ListUnanswered):
            peer.send(make_image(1))
            peer.pause(0.01)
        peer.receive()  # the trajectories
        peer.send(codec.TrajectoryMessage(items=[TRAJECTORY]))
        peer.wait_until_closed()

    with ScriptedServer(stream) as server:
        server.only_silence_counts()
        unconnected.connect("127.0.0.1", server.port, answer_timeout=0.3, header_version=1)
        unconnected.images.request_list()
        step_until_event(unconnected, events, ListUnanswered)
        assert unconnected.connection.state is ConnectionState.CONNECTED
        assert len(unconnected.images.live.states) == 1
        assert len(unconnected.load_trajectories()) == 1
        unconnected.disconnect()
    assert [event.error for event in of_type(events, Disconnected)] == [None]


def test_why_a_connection_cannot_be_made_is_known_on_a_slow_machine_too(
    unconnected, events, monkeypatch, reserved_port
):
    """The window asks about a certificate that is not trusted: it has to know that this is why."""
    read = unconnected.connection.step

    def read_slowly():
        time.sleep(0.05)  # in which nothing happens: the time is what is tested
        return read()

    monkeypatch.setattr(unconnected.connection, "step", read_slowly)
    unconnected.connect("127.0.0.1", reserved_port)
    disconnected = step_until_event(unconnected, events, Disconnected)
    assert "refused" in str(disconnected.error)
