"""Strangers at ``igtlmeta record`` and ``replay``: they take no place and no memory from others."""

from __future__ import annotations

import ipaddress
import resource
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helpers.descriptors import no_more_descriptors
from helpers.logged import Logged
from helpers.patience import Patience
from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread, make_image
from helpers.recordings import asked_and_answered, stepped
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.fair_turns import in_turns
from IGTLMetaBrowserLib.net.listener import PAUSE_SECONDS
from IGTLMetaBrowserLib.net.recording.recorder import Recorder
from IGTLMetaBrowserLib.net.recording.recording import (
    Event,
    Record,
    RecordingWriter,
    read_recording,
)
from IGTLMetaBrowserLib.net.recording.replay import ReplayServer
from IGTLMetaBrowserLib.net.recording.script import make_scripts

QUERY = codec.GetMessage("IMGMETA")
LIST = codec.ImageMetaMessage()
IMAGE_QUERY = codec.GetMessage("IMAGE", device_name="A")
# More than the system's buffers and the recorder take.
HUGE = (512, 256, 256)

Started = Callable[..., Any]


@pytest.fixture(params=["record", "replay"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Started]:
    """Start a recorder, or a replay, with limits; both answer QUERY with a list."""
    with ExitStack() as stack:

        def start_one(answer: codec.Message = LIST, **limits: Any) -> Any:
            options = {"limits": net.ServerLimits(**limits)}
            if request.param == "replay":
                query = QUERY if answer is LIST else IMAGE_QUERY
                return ReplayServer(make_scripts(asked_and_answered(query, answer)), **options)
            images = {"A": make_image(1, HUGE)} if answer is not LIST else {}
            server = stack.enter_context(ServerInThread(ImagesInMemory(images)))
            writer = RecordingWriter(tmp_path / "file")
            stack.callback(writer.close)
            return Recorder(("127.0.0.1", server.port), writer, **options)

        yield start_one


def is_answered(peer: Peer) -> bool:
    peer.send(QUERY)
    return isinstance(peer.receive(), codec.ImageMetaMessage)


# Connections


def test_idle_connections_do_not_shut_a_good_client_out(start: Started) -> None:
    with stepped(start(max_clients=5)) as server, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(Peer.connect(server.port))
        assert is_answered(stack.enter_context(Peer.connect(server.port)))


def test_who_is_one_too_many_hears_it_and_the_others_stay(start: Started) -> None:
    with stepped(start(max_clients=2)) as server, ExitStack() as stack:
        peers = [stack.enter_context(Peer.connect(server.port)) for _ in range(2)]
        assert all(map(is_answered, peers))
        with Peer.connect(server.port) as third:
            third.send(QUERY)
            status = third.receive()
            assert isinstance(status, codec.StatusMessage)
            assert "2 clients are connected, and no more are served" in status.message
            third.wait_until_closed()
        assert all(map(is_answered, peers))


def test_who_may_not_connect_hears_it(start: Started) -> None:
    elsewhere = [ipaddress.ip_network("192.0.2.0/24")]
    with stepped(start(allowed_networks=elsewhere)) as server, Peer.connect(server.port) as peer:
        assert peer.receive().message == "the address 127.0.0.1 is not allowed to connect"


def test_an_idle_client_is_closed_and_the_log_says_why(
    start: Started, caplog: pytest.LogCaptureFixture, clock: list[float]
) -> None:
    with stepped(start(idle_timeout=60.0)) as server, Peer.connect(server.port) as peer:
        assert is_answered(peer)
        while not is_readable(peer.socket, 0.01):
            clock[0] += 61.0  # it may note only now that it has answered
        peer.wait_until_closed()
    assert "idle for 60 s" in caplog.text


def test_100_connections_and_64_descriptors(tmp_path: Path) -> None:
    """``ulimit -n 64``: the recorder, and its replay, have room in time, and never run out."""
    program = f"""
import resource, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from IGTLMetaBrowserLib.net.recording.recorder import Recorder
from IGTLMetaBrowserLib.net.recording.recording import RecordingWriter, read_recording
from IGTLMetaBrowserLib.net.recording.replay import ReplayServer
from IGTLMetaBrowserLib.net.recording.script import make_scripts
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
if sys.argv[1] == "record":
    server = Recorder(("127.0.0.1", int(sys.argv[2])), RecordingWriter(Path(sys.argv[3])))
else:
    server = ReplayServer(make_scripts(read_recording(Path(sys.argv[3]))))
print(server.port, flush=True)
while True:
    server.step(0.2)
"""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 300:
        pytest.skip("this process itself may not have so many connections")
    file, log = tmp_path / "device.igtl", tmp_path / "log"
    with ServerInThread(ImagesInMemory()) as upstream:
        for what in ("record", "replay"):
            command = [sys.executable, "-c", program, what, str(upstream.port), str(file)]
            with (
                log.open("a") as errors,
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as one,
                ExitStack() as stack,
            ):
                stack.callback(one.kill)
                assert one.stdout is not None
                port = int(one.stdout.readline())
                with Peer.connect(port) as first:  # the first connection is the one of the replay
                    assert is_answered(first)
                for _ in range(100):
                    stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
                assert is_answered(stack.enter_context(Peer.connect(port)))
    assert "Traceback" not in log.read_text()
    assert "could not be accepted" not in log.read_text()


def test_without_descriptors_nothing_is_tried_in_vain(
    start: Started, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the rest of the process has taken all: the listener rests for a second."""
    server = start()
    with Peer.connect(server.port) as peer:
        with no_more_descriptors():
            for _ in range(100):
                server.step(0.0)
        assert caplog.text.count("could not be accepted") == 1
        assert 0.0 < PAUSE_SECONDS <= 1.0
        with stepped(server):
            assert is_answered(peer)


# Who does not read


def test_who_does_not_read_is_dropped(start: Started) -> None:
    server = start(make_image(1, HUGE), stall_timeout=0.2)
    with stepped(server), Peer.connect(server.port) as peer, Logged("reads too slowly") as dropped:
        peer.send(IMAGE_QUERY)
        dropped.wait("a client that reads nothing keeps its connection")


def test_those_who_read_nothing_have_little_memory_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("IGTLMetaBrowserLib.net.recording.relay._MOST_HELD_OF_ALL", 1 << 20)
    writer = RecordingWriter(tmp_path / "file")
    with ServerInThread(ImagesInMemory({"A": make_image(1, (256, 256, 100))})) as upstream:
        recorder = Recorder(("127.0.0.1", upstream.port), writer)
        with ExitStack() as stack:
            for _ in range(8):
                peer = stack.enter_context(Peer.connect(recorder.port))
                peer.send(IMAGE_QUERY)
            patience = Patience(PATIENCE)
            while sum(held := [pair.held for pair in recorder._relay.pairs]) < 1 << 20 or 0 in held:
                assert not patience.is_over, "what does not fit the system's buffers is not held"
                recorder.step(0.01)
            for _ in range(100):
                recorder.step(0.0)
            assert sum(pair.held for pair in recorder._relay.pairs) < 5 << 20
            # One that reads gets all of its image nevertheless.
            with stepped(recorder):
                assert peer.receive().pixels.nbytes == 2 * 256 * 256 * 100
    writer.close()


def test_who_asks_and_reads_nothing_is_not_asked_on_in_a_replay() -> None:
    """Otherwise a million queries, each answered with the same image, would be held here."""
    server = ReplayServer(
        make_scripts(asked_and_answered(IMAGE_QUERY, make_image(1, (128, 128, 64))))
    )
    with Peer.connect(server.port) as peer, stepped(server):
        peer.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            peer.socket.sendall(codec.pack(IMAGE_QUERY) * 1_000_000)
        (client,) = server._clients
        assert client.waiting < 5000
        peer.socket.settimeout(PATIENCE)
        for _ in range(3):
            assert peer.receive().pixels.shape == (64, 128, 128)


def test_a_long_stream_is_not_scheduled_at_once_for_each_client() -> None:
    """A port scan of a replay with a million transforms costs no million entries each."""
    transforms = [
        Record(Event.SERVER_SENT, 1, 60.0, codec.pack(codec.TransformMessage()))
        for _ in range(1000)
    ]
    server = ReplayServer(make_scripts([Record(Event.CONNECTED, 1, 0.0), *transforms]))
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(Peer.connect(server.port))
        while len(server._clients) < 5:
            server.step(0.01)
        assert len(server._due) == 5
        stack.close()
        while server._clients:
            server.step(0.01)
        server._check_at = 0.0
        server.step(0.0)
        assert not server._due
    server.close()


# The server


def test_a_server_that_is_gone_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reserved_port: int
) -> None:
    writer = RecordingWriter(tmp_path / "file")
    recorder = Recorder(("127.0.0.1", reserved_port), writer)
    with stepped(recorder), Peer.connect(recorder.port) as peer:
        peer.send(QUERY)
        words = peer.receive().message
        assert words.startswith("the server that is recorded here cannot be connected to")
        peer.wait_until_closed()
    writer.close()
    assert f"cannot connect to 127.0.0.1:{reserved_port}" in caplog.text
    events = [record.event for record in read_recording(tmp_path / "file")]
    assert events == [Event.CONNECTED, Event.ENDED]


def test_a_recorder_of_itself_says_so_and_connects_once(tmp_path: Path, reserved_port: int) -> None:
    """As where both have the default port, and the server does not run."""
    writer = RecordingWriter(tmp_path / "file")
    recorder = Recorder(("127.0.0.1", reserved_port), writer, port=reserved_port)
    with stepped(recorder), Peer.connect(recorder.port) as peer:
        assert "is that of the recorder itself" in peer.receive().message
        peer.wait_until_closed()
    assert recorder.connections == 1
    writer.close()


def test_clients_for_whom_the_server_is_slow_cost_a_turn_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes connections, and is silent in the TLS handshake; its files are read once."""
    counts: Counter[str] = Counter()

    def counted(owner: type, name: str) -> None:
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args: (counts.update([name]), real(*args))[1])

    counted(Recorder, "_join")
    counted(net.ClientTLS, "make_context")
    writer = RecordingWriter(tmp_path / "file")
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent, ExitStack() as stack:
        recorder = Recorder(silent.getsockname(), writer, server_tls=net.ClientTLS())
        stack.callback(recorder.close)
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", recorder.port), PATIENCE))
        patience = Patience(PATIENCE)
        while len(recorder._joining) < 100:
            assert not patience.is_over, "clients are not accepted"
            recorder.step(0.0)
        for _ in range(100):
            counts["_join"] = 0
            recorder.step(0.0)
            assert counts["_join"] <= 16
        assert counts["make_context"] == 1
    writer.close()


# Who keeps it busy


def test_who_has_waited_longest_has_the_next_turn() -> None:
    @dataclass
    class One:
        served_in_step: int

    busy, other, idle = One(7), One(6), One(0)
    assert list(in_turns([busy, other, idle], 8, seconds=0.0)) == [idle]
    assert list(in_turns([busy, other, idle], 9, seconds=0.0)) == [other]
    assert list(in_turns([busy, other, idle], 10, seconds=PATIENCE)) == [busy, idle, other]


def test_clients_that_send_without_end_do_not_make_others_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of a step is over after one end: a small query is handed on in a few steps."""
    monkeypatch.setattr("IGTLMetaBrowserLib.net.recording.relay._STEP_SECONDS", 0.0)
    writer = RecordingWriter(tmp_path / "file")
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        recorder = Recorder(listener.getsockname(), writer)
        stack.callback(recorder.close)

        def connect() -> tuple[socket.socket, socket.socket]:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", recorder.port)))
            count = len(recorder._relay.pairs)
            while len(recorder._relay.pairs) == count:
                recorder.step(0.0)
            return client, stack.enter_context(listener.accept()[0])

        busy = [connect()[0] for _ in range(20)]
        good, server = connect()
        for client in busy:
            client.setblocking(False)
            client.send(bytes(4 << 20))
        for _ in range(40):
            recorder.step(0.0)
        good.sendall(b"query")
        server.setblocking(False)
        for _ in range(5):
            recorder.step(0.0)
        assert server.recv(100) == b"query"
    writer.close()


def test_queries_without_end_do_not_make_others_wait_in_a_replay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("IGTLMetaBrowserLib.net.recording.replay._STEP_SECONDS", 0.0)
    server = ReplayServer(make_scripts(asked_and_answered(QUERY, LIST)))
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer.connect(server.port)) for _ in range(21)]
        while len(server._clients) < 21:
            server.step(0.0)
        for peer in peers[1:]:
            peer.socket.setblocking(False)
            peer.socket.send(codec.pack(codec.GetMessage("TRAJ")) * 50_000)
        for _ in range(40):
            server.step(0.0)
        peers[0].send(QUERY)
        for _ in range(5):
            server.step(0.0)
        assert isinstance(peers[0].receive(), codec.ImageMetaMessage)
    server.close()
