"""One end of a recorded connection sends no more: the other sees it, and what is owed arrives."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.certificates import Authority
from helpers.peers import PATIENCE, ImagesInMemory, ServerInThread, make_image
from helpers.recordings import recording
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.recording.recording import Event, read_recording

# More than the system's buffers take.
ANSWER = bytes(range(256)) * (40 << 10)


class End:
    """A blocking end, with TLS or not, that can send no more and read on.

    ``ssl.SSLSocket`` cannot: after its ``unwrap`` what comes is an error.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None = None) -> None:
        self.socket = sock
        sock.settimeout(PATIENCE)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = None
        if context is not None:
            is_server = context.protocol == ssl.PROTOCOL_TLS_SERVER
            name = None if is_server else "127.0.0.1"
            self._tls = context.wrap_bio(self._in, self._out, is_server, name)
            self._do(self._tls.do_handshake)

    def send(self, data: bytes) -> None:
        if self._tls is None:
            self.socket.sendall(data)
            return
        self._tls.write(data)
        self._flush()

    def send_no_more(self) -> None:
        """TLS: send its close_notify."""
        if self._tls is None:
            self.socket.shutdown(socket.SHUT_WR)
            return
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._flush()

    def received(self) -> bytes:
        """Return all that comes until the other end sends no more; with TLS, until it says so."""
        pieces = []
        while piece := self._receive():
            pieces.append(piece)
        return b"".join(pieces)

    def receive_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._receive()
            assert piece, "it has ended too early"
            data += piece
        return data

    def _receive(self) -> bytes:
        if self._tls is None:
            return self.socket.recv(1 << 16)
        try:
            return self._do(lambda: self._tls.read(1 << 16))
        except ssl.SSLZeroReturnError:
            return b""

    def _do(self, step):
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self.socket.recv(1 << 16)
                if not data:
                    self._in.write_eof()
                self._in.write(data)
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if data := self._out.read():
            self.socket.sendall(data)


class Ends:
    """A recorder with or without TLS at either side, and sockets at both."""

    def __init__(self, folder: Path, client_tls: bool, server_tls: bool) -> None:
        authority = Authority.make(folder / "authority")
        certificate = net.ServerTLS(authority.issue("127.0.0.1"))
        self._client = net.ClientTLS(authority.file).make_context() if client_tls else None
        self._server = certificate.make_context() if server_tls else None
        self._options = {
            "tls": certificate.make_context() if client_tls else None,
            "server_tls": net.ClientTLS(authority.file) if server_tls else None,
        }
        self.file = folder / "device.igtl"

    @contextmanager
    def connected(self, **options: object) -> Iterator[tuple[End, End]]:
        found: list[End] = []

        def accept() -> None:
            found.append(End(listener.accept()[0], self._server))

        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            recording(listener.getsockname()[1], self.file, **self._options, **options) as port,
            socket.create_connection(("127.0.0.1", port), PATIENCE) as sock,
        ):
            thread = threading.Thread(target=accept)
            thread.start()
            client = End(sock, self._client)
            thread.join(PATIENCE)
            with found[0].socket:
                yield client, found[0]


@pytest.fixture(params=itertools.product([False, True], repeat=2), ids=str)
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Ends:
    return Ends(tmp_path, *request.param)


def test_a_client_that_sends_no_more_gets_its_answer_to_the_end(ends: Ends) -> None:
    with ends.connected() as (client, server):
        client.send(b"query")
        client.send_no_more()
        assert server.receive_exactly(5) == b"query"
        server.send(ANSWER)
        server.send_no_more()
        server.socket.shutdown(socket.SHUT_WR)
        assert client.received() == ANSWER
    records = list(read_recording(ends.file))
    assert records[-1].event is Event.ENDED
    sent = b"".join(one.data for one in records if one.event is Event.SERVER_SENT)
    assert sent == ANSWER


def test_what_both_have_sent_arrives_when_both_have_ended(ends: Ends) -> None:
    """The client sends no more after the server has ended, and has read nothing until then."""
    with ends.connected() as (client, server):
        client.send(b"query")
        assert server.receive_exactly(5) == b"query"
        server.send(ANSWER[: 4 << 20])
        server.send_no_more()
        client.send_no_more()
        assert client.received() == ANSWER[: 4 << 20]


def test_a_server_that_ends_ends_the_client(ends: Ends) -> None:
    with ends.connected() as (client, server):
        server.send(b"push")
        server.send_no_more()
        server.socket.close()
        assert client.received() == b"push"


def test_a_server_with_tls_that_says_nothing_does_not_hang_a_client_that_has_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It was not told, as TLS cannot: after a while the connection ends, and the log says so."""
    ends = Ends(tmp_path, client_tls=True, server_tls=True)
    limits = net.ServerLimits(stall_timeout=0.1)
    with ends.connected(limits=limits) as (client, server):
        client.send(b"query")
        client.send_no_more()
        assert server.receive_exactly(5) == b"query"
        assert client.received() == b""
    assert "one end has ended, and the other sent nothing for 0.1 s" in caplog.text


def test_python_clients_that_unwrap_end_at_once(tmp_path: Path) -> None:
    """``unwrap`` sends close_notify and waits for that of the other end."""
    authority = Authority.make(tmp_path / "authority")
    tls = net.ServerTLS(authority.issue("127.0.0.1")).make_context()
    with (
        ServerInThread(ImagesInMemory({"A": make_image(1)})) as server,
        recording(server.port, tmp_path / "file", tls=tls) as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE) as sock,
    ):
        context = net.ClientTLS(authority.file).make_context()
        client = context.wrap_socket(sock, server_hostname="127.0.0.1")
        query = codec.pack(codec.GetMessage("STATUS"))
        client.sendall(query)
        assert codec.Header.unpack(client.recv(1 << 16)).type_name == "STATUS"
        with client.unwrap() as plain:
            assert plain.recv(1) == b""
