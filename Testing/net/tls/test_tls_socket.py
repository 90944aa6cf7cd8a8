"""TLS in bounded pieces: who sends records without data and no end is hung up on."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from helpers.peers import (
    PATIENCE,
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
    step_until,
)
from helpers.recordings import asked_and_answered, recording, stepped
from helpers.tls_ends import Ends, in_thread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.recording.replay import ReplayServer
from IGTLMetaBrowserLib.net.recording.script import Script, make_scripts
from IGTLMetaBrowserLib.net.tls.tls_socket import MOST_WITHOUT_DATA

# What is read at once can go beyond the limit, by a piece of 16 KiB.
WORDS = r"it sent (6[4-9]|7\d) KiB of TLS without data"
QUERY = codec.GetMessage("IMAGE", device_name="A")
# Of 27 bytes each: twice as many as are taken, and all fit into the system's buffers.
MANY = 2 * MOST_WITHOUT_DATA // 27
FEW = MOST_WITHOUT_DATA // 27 // 4


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends(tmp_path_factory.mktemp("ends"))


def send_all_that_goes(peer: Peer, data: bytes) -> None:
    """It is hung up on in the middle."""
    with contextlib.suppress(ConnectionError):
        peer.send(data)
    peer.wait_until_closed()


def unread(sock: socket.socket) -> int:
    """Return how many bytes the system has for a socket."""
    return len(socket.socket.recv(sock, 1 << 20, socket.MSG_PEEK))


# One socket


def test_a_call_takes_so_many_bytes_of_key_updates_and_the_limit_ends_them(ends: Ends) -> None:
    with ends.pair() as (server, client, records):
        flood = records.key_updates(MANY)
        client.sendall(flood[: 96 << 10])
        for calls in (1, 2, 3):
            with pytest.raises(ssl.SSLWantReadError):
                server.recv(100)
            assert unread(server) == (96 - 16 * calls) << 10
        with pytest.raises(OSError, match=WORDS):
            server.recv(100)


def test_key_updates_before_data_and_behind_are_no_fault(ends: Ends) -> None:
    with ends.pair() as (server, client, records):
        for _ in range(10):
            client.sendall(records.key_updates(FEW) + records.data(b"data"))
            received = b""
            while not received:
                with contextlib.suppress(ssl.SSLWantReadError):
                    received = server.recv(100)
            assert received == b"data"


def test_bytes_that_were_not_asked_for_are_pending_and_so_is_the_end(ends: Ends) -> None:
    with ends.pair() as (server, client, records):
        client.sendall(records.data(b"abc") + records.data(b"def") + records.close_notify())
        assert server.recv(2) == b"ab"
        assert server.pending()
        assert server.recv(100) == b"cdef"
        assert server.pending()
        assert server.recv(100) == b""


def test_who_reads_nothing_is_held_no_more_than_a_piece(ends: Ends) -> None:
    """What is sent counts when the network has it; until then the same is to be sent again."""
    data = bytes(1 << 20)
    with ends.pair() as (server, *_):
        with contextlib.suppress(ssl.SSLWantWriteError):
            while server.send(data):
                pass
        held = len(server._unsent)
        assert 0 < held < 140 << 10
        for _ in range(10):
            with pytest.raises(ssl.SSLWantWriteError):
                server.send(data)
        assert len(server._unsent) == held
        assert server._outgoing.pending == 0


# Servers and clients


@pytest.fixture
def good_image() -> codec.ImageMessage:
    return make_image(5)


def test_a_server_hangs_up_on_key_updates_and_serves_the_others(
    ends: Ends, caplog: pytest.LogCaptureFixture, good_image: codec.ImageMessage
) -> None:
    source = ImagesInMemory({"A": good_image})
    with (
        ServerInThread(source, tls=ends.server.make_context()) as server,
        server.client(tls=ends.client) as good,
        ends.hand_made_client(server.port) as (peer, records),
    ):
        good.list_images()
        send_all_that_goes(peer, records.key_updates(MANY))
        assert good.get_image("A").pixels[0, 0, 0] == 5
    assert re.search(f"is refused: {WORDS}", caplog.text)


def test_a_server_takes_a_turn_for_each_piece_of_them(
    ends: Ends, good_image: codec.ImageMessage
) -> None:
    """The answer to a good client does not wait for the end of what the other sends."""
    source = ImagesInMemory({"A": good_image})
    context = ends.server.make_context()
    with net.Server(source, port=0, tls=context) as server:
        client = net.Client("127.0.0.1", server.port, tls=ends.client)
        first = client.ask("IMGMETA")
        step_until(client, lambda: first.is_done, server)
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as sock:
            with in_thread(ends.hand_made, sock) as found:
                step_until(client, lambda: found, server)
            sock, records = found[0]
            sock.sendall(records.key_updates(MANY))
            query = client.ask("IMAGE", "A")
            step_until(client, lambda: query.is_done, server)
            assert query.answer.pixels[0, 0, 0] == 5
            step_until(client, lambda: len(server.clients) == 1, server)
        client.close()


def test_a_server_answers_a_query_with_key_updates_around_it(
    ends: Ends, good_image: codec.ImageMessage
) -> None:
    source = ImagesInMemory({"A": good_image})
    events: list[net.ServerEvent] = []
    options = {"tls": ends.server.make_context(), "observer": events.append}
    with (
        ServerInThread(source, **options) as server,
        ends.hand_made_client(server.port) as (peer, records),
    ):
        for _ in range(3):
            peer.send(
                records.key_updates(FEW)
                + records.data(codec.pack(QUERY))
                + records.key_updates(FEW)
            )
            assert peer.socket.recv(1 << 16)
    assert net.ServerEventType.REFUSED not in {event.type for event in events}


def test_a_client_hangs_up_on_a_server_of_key_updates(ends: Ends) -> None:
    def flood(peer: Peer) -> None:
        records = ends.hand_made_server(peer)
        send_all_that_goes(peer, records.key_updates(MANY))

    with (
        ScriptedServer(flood) as server,
        server.client(tls=ends.client) as client,
        pytest.raises(net.NetworkError, match=rf"was hung up on \({WORDS}\)"),
    ):
        client.list_images()


def test_a_client_receives_an_image_with_key_updates_between_its_records(ends: Ends) -> None:
    image = make_image(7, (64, 64, 20), "A")
    data = codec.pack(image)

    def answer(peer: Peer) -> None:
        records = ends.hand_made_server(peer)
        peer.socket.recv(1 << 16)
        for start in range(0, len(data), 10_000):
            peer.send(records.data(data[start : start + 10_000]) + records.key_updates(FEW))
        peer.wait_until_closed()

    with (
        ScriptedServer(answer) as server,
        server.client(tls=ends.client, header_version=1) as client,
    ):
        assert np.array_equal(client.get_image("A").pixels, image.pixels)


def test_a_replay_hangs_up_on_key_updates(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    replay = ReplayServer([Script()], tls=ends.server.make_context())
    with stepped(replay), ends.hand_made_client(replay.port) as (peer, records):
        send_all_that_goes(peer, records.key_updates(MANY))
    assert re.search(WORDS, caplog.text)


def test_a_recorder_hangs_up_on_a_client_of_key_updates(
    ends: Ends, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        ServerInThread(ImagesInMemory()) as server,
        recording(server.port, tmp_path / "file", tls=ends.server.make_context()) as port,
        ends.hand_made_client(port) as (peer, records),
    ):
        send_all_that_goes(peer, records.key_updates(MANY))
    assert re.search(f"the client is hung up on: {WORDS}", caplog.text)


# What comes with the end of the handshake is read with it, and no selector shows it


@contextmanager
def finished_with(ends: Ends, port: int, data: bytes) -> Iterator[socket.socket]:
    """Yield a client's socket, which has sent ``data`` together with its last of the handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ends.client.make_context().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        sock.sendall(outgoing.read())
        while not outgoing.pending:
            incoming.write(sock.recv(1 << 16))
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
        tls.write(data)
        sock.sendall(outgoing.read())
        yield sock


def test_a_server_answers_a_query_of_then(ends: Ends, good_image: codec.ImageMessage) -> None:
    source = ImagesInMemory({"A": good_image})
    with (
        ServerInThread(source, tls=ends.server.make_context()) as server,
        finished_with(ends, server.port, codec.pack(QUERY)) as sock,
    ):
        assert sock.recv(1 << 16)


def test_a_recorder_hands_on_a_query_of_then(
    ends: Ends, tmp_path: Path, good_image: codec.ImageMessage
) -> None:
    with (
        ServerInThread(ImagesInMemory({"A": good_image})) as server,
        recording(server.port, tmp_path / "file", tls=ends.server.make_context()) as port,
        finished_with(ends, port, codec.pack(QUERY)) as sock,
    ):
        assert sock.recv(1 << 16)


def test_a_replay_answers_a_query_of_then(ends: Ends, good_image: codec.ImageMessage) -> None:
    replay = ReplayServer(
        make_scripts(asked_and_answered(QUERY, good_image)), tls=ends.server.make_context()
    )
    with stepped(replay), finished_with(ends, replay.port, codec.pack(QUERY)) as sock:
        assert sock.recv(1 << 16)
