"""Cancelling: the connection stays, and the next query gets its own answer."""

from __future__ import annotations

import threading

import pytest

from helpers.interruption import interrupt_reading
from helpers.peers import (
    PATIENCE,
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
    serve_well,
    step_until,
)
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.connection_attempt import ConnectionAttempt


def named_image(shade: int, device_name: str, size=(4, 3, 2)) -> codec.ImageMessage:
    image = make_image(shade, size)
    image.device_name = device_name
    return image


def test_before_the_query_is_sent(running_server: ServerInThread):
    with running_server.client() as client:
        query = client.ask("IMAGE", "A")
        client.cancel(query)
        assert isinstance(query.error, net.CancelledError)
        assert "the image 'A' was cancelled" in str(query.error)
        assert client.get_image("B").device_name == "B"


def test_before_the_answer_begins():
    was_cancelled = threading.Event()

    def answer_late(peer: Peer) -> None:
        peer.receive()
        assert was_cancelled.wait(PATIENCE)
        peer.send(named_image(1, "A"))
        assert peer.receive().device_name == "B"
        peer.send(named_image(2, "B"))
        peer.wait_until_closed()

    with ScriptedServer(answer_late) as server, server.client() as client:
        cancelled = client.ask("IMAGE", "A")
        step_until(client, lambda: client.is_connected and not client.wants_write)
        client.cancel(cancelled)
        was_cancelled.set()
        assert client.get_image("B").pixels[0, 0, 0] == 2
        assert server.connections == 1
    assert cancelled.answer is None


def test_before_the_answer_begins_and_then_the_same_image_again():
    both_were_asked = threading.Event()

    def answer_twice(peer: Peer) -> None:
        peer.receive()
        peer.receive()
        assert both_were_asked.wait(PATIENCE)
        peer.send(named_image(1, "A"), named_image(1, "A"))
        serve_well(peer)

    with ScriptedServer(answer_twice) as server, server.client() as client:
        cancelled = client.ask("IMAGE", "A")
        step_until(client, lambda: client.is_connected and not client.wants_write)
        client.cancel(cancelled)
        wanted = client.ask("IMAGE", "A")
        both_were_asked.set()
        assert client.wait(wanted).pixels[0, 0, 0] == 1
        assert client.get_image("C").pixels[0, 0, 0] == 7
        assert server.connections == 1


def test_in_the_middle_of_the_answer():
    data = codec.pack(named_image(1, "A", (128, 128, 64)))
    was_cancelled = threading.Event()

    def stop_in_the_middle(peer: Peer) -> None:
        peer.receive()
        peer.send(data[: len(data) // 2])
        assert was_cancelled.wait(PATIENCE)
        peer.send(data[len(data) // 2 :])
        serve_well(peer)

    with ScriptedServer(stop_in_the_middle) as server, server.client() as client:
        cancelled = client.ask("IMAGE", "A")
        step_until(client, lambda: client.progress(cancelled) is not None)
        client.cancel(cancelled)
        was_cancelled.set()
        assert client.progress(cancelled) is None
        assert client.get_image("B").pixels[0, 0, 0] == 7
        assert server.connections == 1
        # Nobody waits for the cancelled answer, so that it cannot become overdue.
        assert client.next_deadline is None
    assert cancelled.answer is None


def test_the_rest_of_a_cancelled_image_may_take_longer_than_the_time_out():
    # As with a slow network: the next answer cannot begin before it is over.
    data = codec.pack(named_image(1, "A", (128, 128, 64)))
    first, rest = data[: len(data) // 2], data[len(data) // 2 :]
    was_asked = threading.Event()

    def trickle(peer: Peer) -> None:
        peer.receive()
        peer.send(first)
        assert was_asked.wait(PATIENCE)
        for start in range(0, len(rest), len(rest) // 16):
            peer.pause(0.05)
            peer.send(rest[start : start + len(rest) // 16])
        serve_well(peer)

    with ScriptedServer(trickle) as server, server.client(answer_timeout=0.6) as client:
        cancelled = client.ask("IMAGE", "A")
        step_until(client, lambda: client.progress(cancelled) is not None)
        client.cancel(cancelled)
        was_asked.set()
        assert client.get_image("B").pixels[0, 0, 0] == 7
        assert server.connections == 1


@pytest.mark.parametrize("steps", range(0, 40, 3))
def test_at_any_moment(steps: int):
    # The server has no thread here: each round cancels one step later in the same sequence.
    source = ImagesInMemory(
        {"LARGE": make_image(1, (128, 128, 64)), "NEXT": make_image(2, (128, 128, 8))}
    )
    with net.Server(source, port=0) as server, net.Client("127.0.0.1", server.port) as client:
        cancelled = client.ask("IMAGE", "LARGE")
        for _ in range(steps):
            server.step()
            client.step(0.0)
        was_done = cancelled.is_done
        client.cancel(cancelled)
        assert was_done or isinstance(cancelled.error, net.CancelledError)
        wanted = client.ask("IMAGE", "NEXT")
        events = step_until(client, lambda: wanted.is_done, server)
        assert wanted.error is None
        assert wanted.answer.pixels[0, 0, 0] == 2
        assert [event for event in events if isinstance(event, net.Disconnected)] == []


def test_a_cancelled_query_is_no_event(running_server: ServerInThread):
    with running_server.client() as client:
        cancelled = client.ask("IMAGE", "A")
        step_until(client, lambda: client.is_connected)
        client.cancel(cancelled)
        wanted = client.ask("IMAGE", "B")
        events = step_until(client, lambda: wanted.is_done)
        finished = [event.query for event in events if isinstance(event, net.Finished)]
        assert finished == [wanted]


def test_cancelling_what_is_done_changes_nothing(running_server: ServerInThread):
    with running_server.client() as client:
        query = client.ask("IMAGE", "A")
        client.wait(query)
        client.cancel(query)
        assert query.error is None
        assert query.answer is not None


def test_a_cancelled_query_that_is_never_answered_does_not_harm_the_next_one():
    def ignore_the_first(peer: Peer) -> None:
        peer.receive()
        serve_well(peer)

    with (
        ScriptedServer(ignore_the_first) as server,
        server.client(answer_timeout=0.3) as client,
    ):
        cancelled = client.ask("IMAGE", "A")
        step_until(client, lambda: client.is_connected and not client.wants_write)
        client.cancel(cancelled)
        assert client.get_image("B").pixels[0, 0, 0] == 7
        # Nobody waits for the cancelled answer, so that it cannot become overdue.
        assert client.next_deadline is None
        assert client.get_image("C").pixels[0, 0, 0] == 7
        assert server.connections == 1


def test_ctrl_c_in_the_middle_leaves_the_client_usable():
    data = codec.pack(named_image(1, "A", (128, 128, 64)))
    was_interrupted = threading.Event()

    def stop_in_the_middle(peer: Peer) -> None:
        peer.receive()
        peer.send(data[: len(data) // 2])
        assert was_interrupted.wait(PATIENCE)
        peer.send(data[len(data) // 2 :])
        serve_well(peer)

    def interrupt(_received: int, _size: int) -> None:
        raise KeyboardInterrupt

    with ScriptedServer(stop_in_the_middle) as server, server.client() as client:
        with pytest.raises(KeyboardInterrupt):
            client.get_image("A", interrupt)
        was_interrupted.set()
        assert client.get_image("B").pixels[0, 0, 0] == 7


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_reading(monkeypatch)


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_while_bytes_are_read_costs_the_connection_alone(running_server: ServerInThread):
    """What was read, and not yet counted, is lost: what follows would make no sense."""
    with running_server.client() as client:
        other = client.ask("IMAGE", "B")
        with pytest.raises(KeyboardInterrupt):
            client.get_image("A")
        assert client.get_image("B").device_name == "B"
        assert client.wait(other).device_name == "B"
        assert client.connections == 2


@pytest.mark.usefixtures("interrupted")
def test_after_ctrl_c_it_is_said_that_the_connection_was_lost(running_server: ServerInThread):
    with running_server.client() as client:
        cancelled, other = client.ask("IMAGE", "A"), client.ask("IMAGE", "B")
        with pytest.raises(KeyboardInterrupt):
            client.wait(cancelled)
        assert client.next_deadline == 0.0
        (lost,) = client.step()
        assert isinstance(lost, net.Disconnected)
        assert "was interrupted; ask again" in str(lost.error)
        events = step_until(client, lambda: other.is_done)
        finished = [event.query for event in events if isinstance(event, net.Finished)]
        assert finished == [other]


def test_ctrl_c_while_it_connects_lets_others_wait_no_longer_than_they_must(
    running_server: ServerInThread, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(_attempt: ConnectionAttempt, _now: float) -> None:
        raise KeyboardInterrupt

    with running_server.client() as client:
        other = client.ask("IMAGE", "B")
        with monkeypatch.context() as interrupted:
            interrupted.setattr(ConnectionAttempt, "step", interrupt)
            with pytest.raises(KeyboardInterrupt):
                client.get_image("A")
        assert client.wait(other).device_name == "B"
