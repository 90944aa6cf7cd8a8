"""A client and a server that mean well, over real sockets."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest

from helpers.peers import (
    PATIENCE,
    TRAJECTORY,
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
    serve_well,
    step_until,
    step_until_event,
)
from IGTLMetaBrowserLib import codec, net


@pytest.fixture
def client(running_server: ServerInThread):
    with running_server.client() as client:
        yield client


# The three things a user asks for


def test_list_images(client: net.Client):
    items = client.list_images()
    assert [item.id for item in items] == ["A", "B", "LARGE"]
    assert items[2] == codec.ImageMetaItem(
        name="Image LARGE",
        id="LARGE",
        modality="CT",
        size=(128, 128, 64),
        scalar_type=codec.ScalarType.UINT16,
    )


def test_get_image(client: net.Client, source: ImagesInMemory):
    image = client.get_image("B")
    assert image.device_name == "B"
    assert np.array_equal(image.pixels, source.image("B").pixels)
    assert np.array_equal(image.ijk_to_ras(), np.eye(4))


def test_get_trajectories(client: net.Client):
    assert client.get_trajectories() == [TRAJECTORY]


@pytest.mark.parametrize("seconds", [1e10, float("inf")])
def test_a_time_out_may_be_longer_than_a_selector_waits(
    running_server: ServerInThread, seconds: float
):
    with running_server.client(answer_timeout=seconds) as client:
        assert len(client.list_images()) == 3


def test_an_empty_server_has_an_empty_list():
    with ServerInThread(ImagesInMemory()) as server, server.client() as client:
        assert len(client.list_images()) == 0
        assert len(client.get_trajectories()) == 0


def test_an_unknown_id_is_refused_in_the_servers_words(client: net.Client):
    with pytest.raises(net.RefusedError) as caught:
        client.get_image("Z")
    assert "the image 'Z'" in str(caught.value)
    assert "there is no image 'Z' here (status not found)" in str(caught.value)
    assert client.get_image("A").device_name == "A"


def test_an_id_of_twenty_bytes_arrives_whole(source: ImagesInMemory):
    longest = "Ä" * 10
    source = ImagesInMemory({longest: make_image(5)})
    with ServerInThread(source) as server, server.client() as client:
        assert client.list_images()[0].id == longest
        assert client.get_image(longest).pixels[0, 0, 0] == 5


def test_a_longer_id_cannot_be_asked_for(client: net.Client):
    with pytest.raises(codec.EncodeError, match="limit is 20"):
        client.get_image("Ä" * 11)
    assert client.get_image("A").device_name == "A"


# Progress


def test_progress_tells_how_much_has_arrived():
    image = make_image(0, (256, 256, 16), "A")
    data = codec.pack(image)
    half = len(data) // 2
    half_was_seen = threading.Event()

    def send_in_two_halves(peer: Peer) -> None:
        peer.receive()
        peer.send(data[:half])
        assert half_was_seen.wait(PATIENCE)
        peer.send(data[half:])
        peer.wait_until_closed()

    steps: list[tuple[int, int]] = []

    def progress(received: int, size: int) -> None:
        steps.append((received, size))
        if received == half - codec.HEADER_SIZE:
            half_was_seen.set()

    with ScriptedServer(send_in_two_halves) as server, server.client() as client:
        received = client.get_image("A", progress)
    assert np.array_equal(received.pixels, image.pixels)
    assert half_was_seen.is_set()
    assert steps == sorted(steps)
    assert {size for _, size in steps} == {len(data) - codec.HEADER_SIZE}
    assert steps[-1] == (len(data) - codec.HEADER_SIZE,) * 2


def test_progress_reaches_the_end_of_an_image_that_comes_at_once():
    image = make_image(0, device_name="A")
    data = codec.pack(image)

    def send_at_once(peer: Peer) -> None:
        peer.receive()
        peer.send(data)
        peer.wait_until_closed()

    steps: list[tuple[int, int]] = []
    with ScriptedServer(send_at_once) as server, server.client() as client:
        client.get_image("A", lambda received, size: steps.append((received, size)))
    assert steps[-1][0] == steps[-1][1] >= image.pixels.nbytes


def test_a_client_waits_from_the_question_to_the_answer_or_its_cancelling(client: net.Client):
    assert not client.is_waiting
    query = client.ask("IMAGE", "A")
    assert client.is_waiting
    client.wait(query)
    assert not client.is_waiting
    step_until(client, lambda: client.is_connected)
    query = client.ask("IMAGE", "LARGE")
    client.step()
    client.cancel(query)
    assert not client.is_waiting


def test_progress_is_told_of_the_query_whose_answer_arrives():
    data = codec.pack(make_image(0, (64, 64, 16), "A"))

    def send_half(peer: Peer) -> None:
        peer.receive()
        peer.receive()
        peer.send(data[: len(data) // 2])
        peer.wait_until_closed()

    with ScriptedServer(send_half) as server, server.client() as client:
        image = client.ask("IMAGE", "A")
        listing = client.ask("IMGMETA")
        assert client.progress(image) is None
        step_until(client, lambda: client.progress(image) is not None)
        assert client.progress(listing) is None
        assert client.progress(image).body_size == len(data) - codec.HEADER_SIZE


# As a window uses it: ask, step, look at the events


def test_the_events_of_a_query(client: net.Client):
    query = client.ask("IMAGE", "A")
    assert client.is_connecting
    assert not client.is_connected
    events = step_until(client, lambda: query.is_done)
    assert events == [net.Connected(), net.Finished(query)]
    assert client.is_connected
    assert isinstance(query.answer, codec.ImageMessage)


def test_many_queries_at_once_get_an_answer_each(client: net.Client):
    queries = [client.ask("IMAGE", image_id) for image_id in "ABABBA"]
    step_until(client, lambda: all(query.is_done for query in queries))
    assert [query.answer.pixels[0, 0, 0] for query in queries] == [1, 2, 1, 2, 2, 1]


def test_a_large_image_takes_many_short_steps():
    # The image comes faster than 8 ms a step; a window that steps stays responsive meanwhile.
    source = ImagesInMemory({"HUGE": make_image(0, (512, 512, 128))})
    with ServerInThread(source) as server, server.client() as client:
        query = client.ask("IMAGE", "HUGE")
        steps = 0
        while not query.is_done:
            client.step(0.002)
            steps += 1
    assert query.error is None
    # No memory copies 67 MB in 10 ms.
    assert steps > 5


def test_many_small_messages_that_come_at_once_take_many_short_steps():
    messages = [codec.StringMessage(f"{number}") for number in range(500)]

    def script(peer: Peer) -> None:
        peer.send(b"".join(map(codec.pack, messages)))
        peer.wait_until_closed()

    with ScriptedServer(script) as server, server.client() as client:
        client.connect()
        came: list[str] = []
        while len(came) < len(messages):
            client.wait_for_socket()
            events = client.step(0.0)  # a piece of work each
            some = [event.message for event in events if isinstance(event, net.Unsolicited)]
            assert len(some) <= 1
            came += [message.string for message in some]
        assert came == [message.string for message in messages]


def test_a_message_that_nobody_asked_for_is_handed_over():
    pushed = codec.TrajectoryMessage(items=[TRAJECTORY], device_name="Planner")

    def push(peer: Peer) -> None:
        peer.send(pushed)
        serve_well(peer)

    with ScriptedServer(push) as server, server.client() as client:
        client.connect()
        event = step_until_event(client, net.Unsolicited)
        assert event.message.items == [TRAJECTORY]
        assert client.get_image("A").pixels[0, 0, 0] == 7


def test_a_list_that_was_pushed_can_be_asked_for_afterwards():
    # TrajectoryServer of the reference library sends the same to everybody who connects.
    pushed = codec.TrajectoryMessage(items=[TRAJECTORY], device_name="TrajectorySender")

    def push_and_answer(peer: Peer) -> None:
        peer.send(pushed)
        assert peer.receive().type_name == "GET_TRAJ"
        peer.send(pushed)
        peer.wait_until_closed()

    with ScriptedServer(push_and_answer) as server, server.client() as client:
        client.connect()
        step_until_event(client, net.Unsolicited)
        assert client.get_trajectories() == [TRAJECTORY]


def test_queries_are_sent_in_header_version_1_without_a_body():
    asked = []

    def listen(peer: Peer) -> None:
        asked.append(peer.receive())
        peer.send(codec.ImageMetaMessage())
        peer.wait_until_closed()

    with ScriptedServer(listen) as server, server.client() as client:
        client.list_images()
    assert asked == [codec.GetMessage("IMGMETA", header_version=1)]
    assert len(codec.pack(asked[0])) == codec.HEADER_SIZE


# The connection


def test_a_server_that_closes_after_each_answer_is_asked_on_new_connections():
    def answer_once(peer: Peer) -> None:
        name = peer.receive().device_name
        peer.send(make_image(int(name), device_name=name))

    with ScriptedServer(answer_once) as server, server.client() as client:
        for shade in range(5):
            assert client.get_image(str(shade)).pixels[0, 0, 0] == shade
        assert server.connections == 5


def test_many_queries_at_once_survive_a_server_that_closes_every_few_answers():
    # The reference ImageDatabaseServer closes after a hundred.
    def answer_three(peer: Peer) -> None:
        for _ in range(3):
            query = peer.receive()
            image = make_image(int(query.device_name))
            image.device_name = query.device_name
            peer.send(image)

    with ScriptedServer(answer_three) as server, server.client() as client:
        queries = [client.ask("IMAGE", str(shade)) for shade in range(20)]
        step_until(client, lambda: all(query.is_done for query in queries))
    assert [query.error for query in queries] == [None] * 20
    assert [query.answer.pixels[0, 0, 0] for query in queries] == list(range(20))


def test_a_restarted_server_is_found_again(source: ImagesInMemory, reserved_port: int):
    with ServerInThread(source, port=reserved_port):
        client = net.Client("127.0.0.1", reserved_port)
        assert client.get_image("A").device_name == "A"
    with ServerInThread(source, port=reserved_port), client:
        assert client.get_image("B").device_name == "B"


def test_a_stopped_server_is_reported_and_then_found_again(
    source: ImagesInMemory, reserved_port: int
):
    with ServerInThread(source, port=reserved_port):
        client = net.Client("127.0.0.1", reserved_port)
        client.list_images()
    with pytest.raises(net.ConnectionFailedError, match="check the port, and whether the server"):
        client.list_images()
    with ServerInThread(source, port=reserved_port), client:
        assert len(client.list_images()) == 3


def test_the_end_of_an_idle_connection_is_an_event():
    def leave(peer: Peer) -> None:
        pass

    with ScriptedServer(leave) as server, server.client() as client:
        client.connect()
        event = step_until_event(client, net.Disconnected)
        assert isinstance(event.error, net.ConnectionLostError)
        assert f"127.0.0.1:{server.port} closed the connection" in str(event.error)
        assert not client.is_connected
        assert client.socket is None


def test_closing_cancels_what_waits_and_the_client_can_be_used_again():
    def say_nothing(peer: Peer) -> None:
        peer.wait_until_closed()

    with ScriptedServer(say_nothing, serve_well) as server:
        client = server.client()
        sent = client.ask("IMAGE", "A")
        step_until(client, lambda: client.is_connected)
        unsent = client.ask("IMAGE", "B")
        client.close()
        assert isinstance(sent.error, net.CancelledError)
        assert isinstance(unsent.error, net.CancelledError)
        with client:
            assert client.get_image("A").pixels[0, 0, 0] == 7


def test_the_system_watches_over_an_idle_connection(client: net.Client):
    client.list_images()
    assert client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0


def test_over_ipv6(source: ImagesInMemory):
    try:
        server = ServerInThread(source, "::1")
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback address: {error}")
    with server, net.Client("::1", server.port) as client:
        assert client.get_image("A").device_name == "A"
        assert client.address == f"[::1]:{server.port}"


def test_by_host_name(running_server: ServerInThread):
    # Where localhost is ::1 first, nobody listens there, and 127.0.0.1 comes next.
    with net.Client("localhost", running_server.port) as client:
        assert client.get_image("A").device_name == "A"


def test_thousands_of_queries_through_small_socket_buffers(running_server: ServerInThread):
    with running_server.client(answer_timeout=60) as client:
        client.connect()
        step_until(client, lambda: client.is_connected)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        queries = [client.ask("IMAGE", "AB"[number % 2]) for number in range(3000)]
        step_until(client, lambda: queries[-1].is_done)
    assert [query.error for query in queries if query.error or not query.is_done] == []
    shades = [query.answer.pixels[0, 0, 0] for query in queries]
    assert shades == [1, 2] * 1500
