"""The audit trail of a server whose clients are refused, and whose file is moved away."""

from __future__ import annotations

import ipaddress
import json
import threading
from contextlib import closing
from pathlib import Path

import pytest

from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.server.audit import AuditError, AuditFile, AuditTrail

ELSEWHERE = [ipaddress.ip_network("192.0.2.0/24")]


class Lines(list):
    """Keeps the names of the events that are written."""

    def write(self, line: str) -> None:
        """Keep a line."""
        self.append(json.loads(line)["EventIdentification"]["EventID"]["originalText"])


def test_who_was_never_let_in_does_not_log_out():
    """The window's list of clients is notified all the same."""
    lines, has_left = Lines(), threading.Event()
    trail = AuditTrail("test", lines)

    def observe(event: net.ServerEvent) -> None:
        trail(event)
        if event.type is net.ServerEventType.DISCONNECTED:
            has_left.set()

    limits = net.ServerLimits(allowed_networks=ELSEWHERE)
    with ServerInThread(ImagesInMemory(), limits=limits, observer=observe) as server:
        with Peer.connect(server.port) as peer:
            peer.receive()  # why not
        assert has_left.wait(PATIENCE)
    assert lines == ["Security Alert"]


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_file_that_was_moved_or_removed_is_made_anew(tmp_path: Path, is_removed: bool) -> None:
    path, moved = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    with closing(AuditFile(path)) as file:
        file.write("before")
        path.rename(moved)
        if is_removed:
            moved.unlink()
        file.write("after")
    assert path.read_text() == "after\n"
    assert is_removed or moved.read_text() == "before\n"


def test_a_file_in_whose_place_another_was_put_is_left(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with closing(AuditFile(path)) as file:
        (tmp_path / "new").write_text("others\n")
        (tmp_path / "new").replace(path)
        file.write("ours")
    assert path.read_text() == "others\nours\n"


def test_a_file_that_cannot_be_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    with closing(AuditFile(folder / "audit.jsonl")) as file:
        folder.rename(tmp_path / "elsewhere")
        with pytest.raises(AuditError, match="Nothing is served without it"):
            file.write("lost")


def test_bytes_of_a_strangers_query_that_are_not_utf_8_are_told_apart_and_break_no_line(
    tmp_path: Path,
) -> None:
    """Strict readers of JSON, as those of databases, refuse lines with lone surrogates."""
    path = tmp_path / "audit.jsonl"
    with (
        closing(AuditFile(path)) as file,
        ServerInThread(ImagesInMemory(), observer=AuditTrail("test", file)) as server,
        Peer.connect(server.port) as peer,
    ):
        for name in ("CT\udcfe", "CT\udcff", "Köln"):
            peer.send(codec.GetMessage("IMAGE", device_name=name))
            assert [peer.receive().type_name for _ in range(2)] == ["STATUS", "RTS_IMAGE"]
    events = [json.loads(line) for line in path.read_text().splitlines()]
    json.dumps(events, ensure_ascii=False).encode()
    asked = [one for event in events for one in event["ParticipantObjectIdentification"]]
    assert [one["ParticipantObjectID"] for one in asked] == [r"CT\xfe", r"CT\xff", "Köln"]
