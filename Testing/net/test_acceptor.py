"""Who comes to a server, a recorder or a replay is let in, or hears why not."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from helpers.peers import ImagesInMemory, Peer, ServerInThread
from helpers.recordings import stepped
from helpers.silence import is_readable
from helpers.tls_ends import Ends
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.recording.recorder import Recorder
from IGTLMetaBrowserLib.net.recording.recording import Event, RecordingWriter, read_recording
from IGTLMetaBrowserLib.net.recording.replay import ReplayServer

QUERY = codec.GetMessage("STATUS")
NOBODY = net.ServerLimits(allowed_networks=[ipaddress.ip_network("192.0.2.0/24")])

Started = Callable[..., Any]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends(tmp_path_factory.mktemp("ends"))


@pytest.fixture(params=["serve", "record", "replay"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Started]:
    """Start a server, a recorder of one, or a replay."""
    with ExitStack() as stack:

        def start_one(**options: Any) -> Any:
            if request.param == "serve":
                return net.Server(ImagesInMemory(), port=0, **options)
            if request.param == "replay":
                return ReplayServer([], **options)
            server = stack.enter_context(ServerInThread(ImagesInMemory()))
            writer = RecordingWriter(tmp_path / "file")
            stack.callback(writer.close)
            return Recorder(("127.0.0.1", server.port), writer, **options)

        yield start_one


# The wrong kind of connection


def test_a_client_without_tls_hears_that_it_is_required(
    start: Started, ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    server = start(tls=ends.server.make_context())
    with stepped(server), Peer.connect(server.port) as peer:
        peer.send(QUERY)
        status = peer.receive()
        assert status.code == codec.StatusCode.CONFIGURATION_ERROR
        assert status.message == "this server requires TLS; connect with TLS"
        peer.wait_until_closed()
    assert "this server requires TLS" in caplog.text


def test_a_client_with_tls_hears_that_there_is_none(
    start: Started, ends: Ends, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = start()
    client = net.Client("127.0.0.1", server.port, tls=ends.client)
    with stepped(server), client, pytest.raises(net.TLSError, match="does not speak TLS"):
        client.list_images()
    assert "it uses TLS, which this server does not" in caplog.text
    if isinstance(server, Recorder):  # nothing of it is recorded
        events = [record.event for record in read_recording(tmp_path / "file")]
        assert events == [Event.CONNECTED, Event.ENDED]


def test_an_idle_client_of_a_replay_hears_that_it_is() -> None:
    """Of a recorder it does not: words could come in the middle of a message of the server."""
    replay = ReplayServer([], limits=net.ServerLimits(idle_timeout=0.1))
    with stepped(replay), Peer.connect(replay.port) as peer:
        status = peer.receive()
        assert status.code == codec.StatusCode.TIME_OUT
        assert status.message.startswith("idle for 0.1 s")
        peer.wait_until_closed()


# Many at once


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's time is ever up."""
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)


def test_32_who_come_at_once_are_let_in_at_once(stopped_clock: None) -> None:
    with net.Server(ImagesInMemory(), port=0) as server, ExitStack() as stack:
        peers = [stack.enter_context(Peer.connect(server.port)) for _ in range(40)]
        for peer in peers:
            peer.send(QUERY)
        server.step()
        assert len(server.clients) == 32
        assert sum(is_readable(peer.socket) for peer in peers) == 32
        server.step()
        assert len(server.clients) == 40


def test_so_many_at_a_time_hear_why_they_are_sent_away_and_the_others_are_closed(
    start: Started, stopped_clock: None
) -> None:
    """They do not close their connections: for each, a descriptor is held for two seconds."""
    server = start(limits=NOBODY)
    with contextlib.closing(server), ExitStack() as stack:
        peers = [stack.enter_context(Peer.connect(server.port)) for _ in range(70)]
        for _ in range(4):
            server.step(0.0)
        heard = [peer for peer in peers if is_told(peer)]
        assert len(heard) == (64 if isinstance(server, net.Server) else 8)


def is_told(peer: Peer) -> bool:
    with contextlib.suppress(EOFError, ConnectionError):
        return "is not allowed to connect" in peer.receive().message
    return False


# TLS


def test_a_query_that_comes_with_the_end_of_the_handshake_is_answered_in_the_same_step(
    ends: Ends,
) -> None:
    """An event loop that waits for sockets would not be told of it: TLS has read it already."""
    events: list[net.ServerEvent] = []
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ends.client.make_context().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    options = {"tls": ends.server.make_context(), "observer": events.append}
    with (
        net.Server(ImagesInMemory(), port=0, **options) as server,
        Peer.connect(server.port) as peer,
    ):
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        peer.send(outgoing.read())
        while not outgoing.pending:
            while not is_readable(peer.socket):
                server.step()
            incoming.write(peer.socket.recv(1 << 16))
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
        assert not events
        tls.write(codec.pack(QUERY))
        peer.send(outgoing.read())
        server.step()
        assert [one.type.value for one in events] == ["connected", "answered"]


# Many at once


def test_a_step_lets_in_as_many_as_there_is_time_for(clock: list[float]) -> None:
    """With thousands of connections, to find out whether there is room takes some ms each time."""

    class Slow(net.ServerLimits):
        def why_not(self, host: str, connected: Sequence[str]) -> str | None:
            clock[0] += 0.004
            return super().why_not(host, connected)

    with net.Server(ImagesInMemory(), port=0, limits=Slow()) as server, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(Peer.connect(server.port))
        server.step()
        assert 1 <= len(server.clients) <= 4
        for _ in range(20):
            server.step()
        assert len(server.clients) == 20
