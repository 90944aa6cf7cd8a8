"""What strangers do to a server that costs it connections, memory or disk: others are served."""

from __future__ import annotations

import contextlib
import logging
import resource
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.patience import Patience
from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.limited_log import LinesPerMinute
from IGTLMetaBrowserLib.net.server.answers import without_paths

STATUS = codec.GetMessage("STATUS")
# A message of the largest size that a server reads, which never comes whole.
UPLOAD = codec.Header(1, "TRAJECTORY"[:12], "A", codec.Timestamp(0), 2 << 20, 0).pack()


@contextmanager
def serving(**limits: object) -> Iterator[ServerInThread]:
    with ServerInThread(ImagesInMemory(), limits=net.ServerLimits(**limits)) as server:
        yield server


# Connections


def test_idle_connections_do_not_shut_a_good_client_out() -> None:
    with serving(max_clients=5) as server, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(Peer.connect(server.port))
        good = stack.enter_context(Peer.connect(server.port))
        good.send(STATUS)
        assert isinstance(good.receive(), codec.StatusMessage)
        assert len(server.server.clients) <= 5


def test_who_has_just_asked_something_is_not_closed_for_others() -> None:
    with serving(max_clients=3) as server, ExitStack() as stack:
        good = stack.enter_context(Peer.connect(server.port))
        good.send(STATUS)
        assert isinstance(good.receive(), codec.StatusMessage)
        for _ in range(10):
            stack.enter_context(Peer.connect(server.port))
        good.send(STATUS)
        assert isinstance(good.receive(), codec.StatusMessage)


def test_1100_idle_connections_and_1024_descriptors(tmp_path: Path) -> None:
    """The limit that most systems set; the server says in time that it is full, and makes room."""
    program = f"""
import resource, sys
sys.path[:0] = {sys.path!r}
from helpers.peers import ImagesInMemory
from IGTLMetaBrowserLib import net
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
server = net.Server(ImagesInMemory(), port=0, limits=net.ServerLimits(max_clients=5000))
print(server.port, flush=True)
server.serve_forever()
"""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1400:
        pytest.skip("this process itself may not have so many connections")
    command = [sys.executable, "-c", program]
    with (
        (tmp_path / "log").open("w+") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        assert process.stdout is not None
        port = int(process.stdout.readline())
        for _ in range(1100):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
        good = stack.enter_context(Peer.connect(port))
        good.send(STATUS)
        assert isinstance(good.receive(), codec.StatusMessage)
        log.seek(0)
        assert "Traceback" not in log.read()


# Memory


class FailingReceiver(codec.Receiver):
    """One that finds no memory, when it is made or when it has to read something."""

    fails_at_once = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.fails_at_once:
            raise MemoryError

    def buffer_updated(self, byte_count: int) -> Any:
        raise MemoryError


@pytest.mark.parametrize("fails_at_once", [False, True])
def test_who_comes_when_the_memory_is_used_up_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, fails_at_once: bool
) -> None:
    with serving() as server, Peer.connect(server.port) as good:
        good.send(STATUS)
        good.receive()
        with monkeypatch.context() as changed:
            changed.setattr(FailingReceiver, "fails_at_once", fails_at_once)
            changed.setattr(codec, "Receiver", FailingReceiver)
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as other:
                other.sendall(codec.pack(STATUS))
                with contextlib.suppress(ConnectionResetError):
                    assert other.recv(1) == b""
        good.send(STATUS)
        assert isinstance(good.receive(), codec.StatusMessage)


def test_nothing_stays_of_who_came_when_there_was_no_memory_to_note_it() -> None:
    """The next client may get the number of its socket."""
    came: list[net.ServerEvent] = []

    def note(event: net.ServerEvent) -> None:
        if event.type is net.ServerEventType.CONNECTED:
            came.append(event)
            if len(came) == 1:
                raise MemoryError

    with ServerInThread(ImagesInMemory(), observer=note) as server:
        for is_let_in in (False, True):
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as one:
                one.sendall(codec.pack(STATUS))
                with contextlib.suppress(ConnectionResetError):
                    assert bool(one.recv(1)) == is_let_in
                assert len(server.server.clients) == is_let_in


def test_a_message_that_never_becomes_whole_ends_its_connection() -> None:
    with serving(receive_timeout=0.1) as server, Peer.connect(server.port) as peer:
        peer.send(codec.pack(STATUS)[:-1])
        status = peer.receive()
        assert isinstance(status, codec.StatusMessage)
        assert "was not whole within 0.1 s" in status.message
        peer.wait_until_closed()


def test_unfinished_uploads_have_little_memory_together() -> None:
    limit = 5 << 20
    with serving(unfinished_size=limit) as server, ExitStack() as stack:
        peers = [stack.enter_context(Peer.connect(server.port)) for _ in range(20)]
        for peer in peers:
            peer.send(UPLOAD + bytes(1 << 10))  # there is memory for all that it claims
        good = stack.enter_context(Peer.connect(server.port))
        good.send(STATUS)
        assert isinstance(good.receive(), codec.StatusMessage)
        # The others are told why, and closed; those whose messages fit go on.
        waiting = {peer.socket: peer for peer in peers}
        while len(waiting) > 2:
            readable, _, _ = select.select(list(waiting), [], [], PATIENCE)
            assert readable, "not enough uploads are refused"
            for sock in readable:
                assert waiting.pop(sock).receive().message
        patience = Patience(PATIENCE)
        while sum(client.unfinished for client in server.server.clients) > limit:
            assert not patience.is_over, "more is held than the limit"


# Logs


def test_what_is_asked_takes_little_memory() -> None:
    """Each client may wait for an answer, with all that it has sent beside its question."""
    metadata = {f"{number}": "\N{EURO SIGN}" * 20 for number in range(8000)}
    question = codec.GetMessage("STATUS", header_version=2, metadata=metadata)
    with serving() as server, Peer.connect(server.port) as peer:
        peer.send(question, STATUS)
        assert "the limit is" in peer.receive().message
        peer.receive()
        assert peer.receive().message == "ready"


def test_a_line_is_short_whatever_a_peer_sends(caplog: pytest.LogCaptureFixture) -> None:
    class Chatty(ImagesInMemory):
        def image(self, image_id: str) -> codec.ImageMessage:
            raise net.SourceError("no " * 10_000)

    caplog.set_level(logging.INFO)
    with ServerInThread(Chatty()) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMAGE", device_name="A"))
        peer.receive()
    lines = [record.getMessage() for record in caplog.records]
    assert any("is refused" in line for line in lines)
    assert max(map(len, lines)) <= 1000
    assert all(line.startswith("client 127.0.0.1:") for line in lines)


def test_the_log_names_no_image(caplog: pytest.LogCaptureFixture) -> None:
    """Their ids are those of files, and so of patients, in a folder of volumes."""
    caplog.set_level(logging.INFO)
    query = codec.pack(codec.GetMessage("IMAGE", device_name="Mustermann's", header_version=2))
    damaged = query[:50] + bytes(8 * [1]) + query[58:]
    too_large = query[:42] + (1 << 40).to_bytes(8, "big") + query[50:]
    of_version_3 = b"\0\3" + query[2:]
    with ServerInThread(ImagesInMemory()) as server:
        for data in (query, damaged, of_version_3, too_large):
            with Peer.connect(server.port) as peer:
                peer.socket.sendall(data)
                with contextlib.suppress(EOFError, OSError):
                    peer.receive()
    lines = [record.getMessage() for record in caplog.records]
    assert sum("is refused" in line or "cannot be read" in line for line in lines) >= 4
    assert not any("Mustermann" in line for line in lines)


def test_lines_of_one_address_are_counted_and_others_have_theirs() -> None:
    lines = LinesPerMinute(20)
    assert sum(lines.may_write("10.0.0.1") for _ in range(1000)) == 20
    assert lines.may_write("10.0.0.2")
    assert lines.begin() == [("10.0.0.1", 980)]
    assert lines.may_write("10.0.0.1")


# What strangers learn


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("'/srv/images/Meier/3.dcm' can no longer be read", "'3.dcm' can no longer be read"),
        ("'Meier^Hans 1950/3.dcm' has changed", "'3.dcm' has changed"),
        ('install one: "/opt/venv/bin/python" -m pip', 'install one: "python" -m pip'),
        ("[Errno 2] No such file: /srv/images/3.dcm; try again", None),
        (r"C:\images\3.dcm is gone", "3.dcm is gone"),
        ("more than 10 MB/s, and/or 5 queries", "more than 10 MB/s, and/or 5 queries"),
        ("the id 1.2.3 is unknown", "the id 1.2.3 is unknown"),
    ],
)
def test_of_paths_strangers_get_the_names_only(words: str, told: str | None) -> None:
    told = told or "[Errno 2] No such file: 3.dcm; try again"
    assert without_paths(words) == told


@pytest.mark.parametrize(
    "error",
    [
        net.SourceError("the pixels of '/srv/secret/1.dcm' cannot be decoded"),
        FileNotFoundError(2, "No such file or directory", "/srv/secret/1.dcm"),
        RuntimeError("/srv/secret/lib/python3.12/site-packages/gdcm.so"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_refusal_has_no_path(error: Exception) -> None:
    class Broken(ImagesInMemory):
        def image(self, image_id: str) -> codec.ImageMessage:
            raise error

    with ServerInThread(Broken()) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMAGE", device_name="A"))
        status = peer.receive()
    assert isinstance(status, codec.StatusMessage)
    assert status.message
    assert "secret" not in status.message
