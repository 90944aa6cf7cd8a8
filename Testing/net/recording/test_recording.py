"""A conversation recorded between a client and a server, and replayed without the server."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from helpers.certificates import Authority
from helpers.descriptors import no_more_descriptors
from helpers.peers import (
    PATIENCE,
    TRAJECTORY,
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
    step_until,
)
from helpers.recordings import recording, replaying, stepped
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.recording.recorder import Recorder
from IGTLMetaBrowserLib.net.recording.recording import Event, RecordingWriter, read_recording
from IGTLMetaBrowserLib.net.recording.replay import ReplayServer
from IGTLMetaBrowserLib.net.recording.script import make_scripts
from IGTLMetaBrowserLib.net.tls.tls_server import FIRST_BYTE

IMAGES = {"A": make_image(5), "LARGE": make_image(3, (128, 128, 64))}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recording of a list, two images, a refusal and trajectories."""
    path = tmp_path / "device.igtl"
    with (
        ServerInThread(ImagesInMemory(IMAGES, [TRAJECTORY])) as server,
        recording(server.port, path) as port,
        net.Client("127.0.0.1", port) as client,
    ):
        assert len(client.list_images()) == 2
        for image_id, image in IMAGES.items():
            assert np.array_equal(client.get_image(image_id).pixels, image.pixels)
        with pytest.raises(net.RefusedError):
            client.get_image("Z")
        client.get_trajectories()
    return path


def test_the_replayed_server_answers_as_the_recorded_one(file: Path):
    with replaying(file) as client:
        assert [item.id for item in client.list_images()] == ["A", "LARGE"]
        assert client.get_trajectories() == [TRAJECTORY]
        # In another order, and again.
        for image_id in ("LARGE", "A", "LARGE"):
            assert np.array_equal(client.get_image(image_id).pixels, IMAGES[image_id].pixels)
        with pytest.raises(net.RefusedError, match="there is no image 'Z' here"):
            client.get_image("Z")


def test_over_ipv6(file: Path, tmp_path: Path):
    try:
        replay = ReplayServer(make_scripts(read_recording(file)), "::1", speed=100.0)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback address: {error}")
    writer = RecordingWriter(tmp_path / "again.igtl")
    recorder = Recorder(("::1", replay.port), writer, "::1")
    with stepped(replay), stepped(recorder), net.Client("::1", recorder.port) as client:
        assert len(client.list_images()) == 2
    writer.close()


def test_without_descriptors_clients_wait(file: Path, tmp_path: Path):
    """As when a port scanner has taken all of them: nothing ends."""
    replay = ReplayServer(make_scripts(read_recording(file)), speed=100.0)
    writer = RecordingWriter(tmp_path / "again.igtl")
    recorder = Recorder(("127.0.0.1", replay.port), writer)
    with socket.create_connection(("127.0.0.1", recorder.port)):
        with socket.create_connection(("127.0.0.1", replay.port)), no_more_descriptors():
            recorder.step(1.0)
            replay.step(1.0)
        with stepped(replay), stepped(recorder), net.Client("127.0.0.1", recorder.port) as client:
            assert len(client.list_images()) == 2
    writer.close()


def test_silent_tls_handshakes_keep_nobody_waiting(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of port scanners that connect and say nothing; they are dropped after a while."""
    authority = Authority.make(tmp_path / "authority")
    tls = net.ServerTLS(authority.issue("127.0.0.1")).make_context()
    replay = ReplayServer(make_scripts(read_recording(file)), speed=100.0, tls=tls)
    client_tls = net.ClientTLS(authority.file)
    writer = RecordingWriter(tmp_path / "again.igtl")
    recorder = Recorder(("127.0.0.1", replay.port), writer, tls=tls, server_tls=client_tls)
    with stepped(replay), stepped(recorder), ExitStack() as stack:
        silent = [
            stack.enter_context(Peer.connect(server.port)) for server in (replay, recorder) * 3
        ]
        for server in (replay, recorder):
            with net.Client("127.0.0.1", server.port, tls=client_tls) as client:
                assert len(client.list_images()) == 2
        monkeypatch.setattr("IGTLMetaBrowserLib.net.acceptor.HANDSHAKE_SECONDS", 0.0)
        for peer in silent:
            peer.wait_until_closed()
    writer.close()


def test_a_server_that_is_silent_keeps_clients_that_it_serves_not_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It takes the second connection, and does not go on with its TLS handshake."""
    monkeypatch.setattr("IGTLMetaBrowserLib.net.recording.recorder._CONNECT_SECONDS", 10 * PATIENCE)
    authority = Authority.make(tmp_path)
    tls = net.ServerTLS(authority.issue("127.0.0.1")).make_context()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = stack.enter_context(ThreadPoolExecutor(1)).submit(
            lambda: tls.wrap_socket(listener.accept()[0], server_side=True)
        )
        options = {"server_tls": net.ClientTLS(authority.file)}
        port = stack.enter_context(
            recording(listener.getsockname()[1], tmp_path / "device.igtl", **options)
        )
        first = stack.enter_context(Peer.connect(port))
        sock = stack.enter_context(server.result(PATIENCE))
        second = stack.enter_context(Peer.connect(port))
        waiting = stack.enter_context(listener.accept()[0])  # it has connected for the second
        second.send(b"hello")
        for _ in range(2):
            first.send(b"ping")
            sock.sendall(sock.recv(4))
            assert first.socket.recv(4) == b"ping"
        assert waiting.recv(1) == FIRST_BYTE


def test_what_was_never_asked_is_not_answered(file: Path, caplog: pytest.LogCaptureFixture):
    with replaying(file) as client:
        query = client.ask("IMAGE", "B")
        step_until(client, lambda: "GET_IMAGE is not in the recording" in caplog.text)
        assert not query.is_done


def test_what_a_server_pushes_comes_again_in_its_order(tmp_path: Path):
    def push(peer: Peer) -> None:
        for number in range(5):
            peer.send(codec.TransformMessage(device_name=f"{number}"))
        peer.wait_until_closed()

    path = tmp_path / "device.igtl"
    with (
        ScriptedServer(push) as server,
        recording(server.port, path) as port,
        Peer.connect(port) as peer,
    ):
        names = [peer.receive().device_name for _ in range(5)]
    server = ReplayServer(make_scripts(read_recording(path)), speed=100.0)
    with stepped(server), Peer.connect(server.port) as peer:
        assert [peer.receive().device_name for _ in range(5)] == names


def test_times_are_kept(file: Path):
    times = [record.seconds for record in read_recording(file)]
    assert times == sorted(times)
    assert times[-1] > 0


def test_who_sends_no_more_still_gets_an_answer(tmp_path: Path) -> None:
    """As without the recorder: the server sees that the query has ended, and answers then."""

    def received(connection: socket.socket) -> bytes:
        return b"".join(iter(lambda: connection.recv(100), b""))

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        recording(server.getsockname()[1], tmp_path / "device.igtl") as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE) as client,
    ):
        client.sendall(b"query")
        client.shutdown(socket.SHUT_WR)
        connection, _ = server.accept()
        with connection:
            connection.settimeout(PATIENCE)
            assert received(connection) == b"query"
            connection.sendall(b"answer")
        assert received(client) == b"answer"
    events = [record.event for record in read_recording(tmp_path / "device.igtl")]
    assert events == [Event.CONNECTED, Event.CLIENT_SENT, Event.SERVER_SENT, Event.ENDED]
