"""What ``igtlmeta serve`` writes down of its clients: the audit trail, and figures."""

from __future__ import annotations

import json
import re
import signal
import socket
import struct
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from cli.command import ended, igtlmeta, serving
from helpers.certificates import Authority
from helpers.peers import Peer
from IGTLMetaBrowserLib import codec


def events_in(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the names of an audit trail's events, and all their fields."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["EventIdentification"]["EventID"]["originalText"], line) for line in lines]


def test_the_audit_trail_says_who_fetched_what(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    authority = Authority.make(tmp_path / "authority")
    certificate = authority.issue("127.0.0.1")
    ours = authority.issue("planner.example", common_name="Planner 3")
    options = ("--tls-cert", certificate, "--tls-client-ca", authority.file, "--audit", file)
    with serving("--demo", "--port", "0", *options) as (process, _, address):
        known = ("--tls-ca", authority.file, "--tls-cert", ours)
        igtlmeta("fetch", address, "DEMO_CT", "nobody", "-o", tmp_path, *known)
        process.terminate()
        assert ended(process)[0] == 0
    events = events_in(file.read_text())
    names = [name for name, _ in events]
    assert (names[0], names[-1]) == ("Application Activity", "Application Activity")
    assert {"User Authentication", "Query", "Security Alert"} <= {*names}
    transferred = dict(events)["DICOM Instances Transferred"]
    client, server = transferred["ActiveParticipant"]
    assert client["UserID"] == "Planner 3"
    assert client["NetworkAccessPointID"] == "127.0.0.1"
    assert client["UserIsRequestor"]
    assert not server["UserIsRequestor"]
    (image,) = transferred["ParticipantObjectIdentification"]
    assert image["ParticipantObjectID"] == "DEMO_CT"
    assert int(image["ParticipantObjectDetail"][0]["value"]) > 256 * 256 * 128 * 2
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00",
        transferred["EventIdentification"]["EventDateTime"],
    )
    refused = dict(events)["Security Alert"]
    assert refused["EventIdentification"]["EventOutcomeIndicator"] == 4
    assert "nobody" in refused["EventIdentification"]["EventOutcomeDescription"]
    assert "Sheplogan" not in file.read_text()  # the patient


def test_the_trail_goes_on_where_it_ended(tmp_path: Path) -> None:
    file, moved = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    for is_rotated in (False, True):
        with serving("--demo", "--port", "0", "--audit", file) as (process, _, address):
            igtlmeta("list", address)  # it is served: the trail has begun
            if is_rotated:
                file.rename(moved)
                process.send_signal(signal.SIGHUP)
                next(line for line in process.stderr if "SIGHUP: the audit trail" in line)
                assert file.exists()
            process.terminate()
            ended(process)
    names = [name for name, _ in events_in(moved.read_text() + file.read_text())]
    assert names.count("Application Activity") == 4
    assert events_in(file.read_text())[-1][0] == "Application Activity"


def test_an_audit_trail_that_cannot_be_written_from_the_start(tmp_path: Path) -> None:
    result = igtlmeta("serve", "--demo", "--audit", tmp_path / "none" / "audit.jsonl")
    assert result.returncode == 1
    assert "audit.jsonl' cannot be written: No such file or directory" in result.stderr


def test_nothing_is_served_when_the_audit_trail_cannot_be_written_any_more() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full, which is always full")
    result = igtlmeta("serve", "--demo", "--port", "0", "--audit", "/dev/full")
    assert result.returncode == 1
    words = "the audit trail '/dev/full' cannot be written: the disk of '/dev' is full; make room"
    assert words in result.stderr


def test_the_trail_goes_to_syslog() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.settimeout(20)
        target = f"127.0.0.1:{syslog.getsockname()[1]}"
        with serving("--demo", "--port", "0", "--audit-syslog", target):
            data = syslog.recv(65536).rstrip(b"\0")
    priority, _, line = data.decode().partition(">")
    assert priority == "<86"  # authpriv, info
    assert json.loads(line)["EventIdentification"]["EventID"]["csd-code"] == "110100"


@pytest.mark.parametrize("target", ["/nowhere/log", "nowhere.invalid:514"])
def test_syslog_that_is_not_there_is_named(target: str) -> None:
    result = igtlmeta("serve", "--demo", "--port", "0", f"--audit-syslog={target}")
    assert result.returncode == 1
    assert re.search(f"syslog at {target}.*: .*; check whether it is running", result.stderr)


def test_figures_for_prometheus(reserved_port: int) -> None:
    port = reserved_port
    with serving("--demo", "--port", "0", "--metrics", port) as (process, _, address):
        igtlmeta("list", address)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            text = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    assert 'igtlmeta_answers_total{type="IMGMETA"}' in text
    assert re.search(r"igtlmeta_sent_bytes_total [1-9]", text)
    assert "igtlmeta_clients " in text


def test_a_port_for_figures_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = igtlmeta("serve", "--demo", "--port", "0", "--metrics", port)
    assert result.returncode == 1
    assert f"no metrics on port {port}: Address already in use" in result.stderr


def test_refusals_do_not_flood_the_audit_trail(tmp_path: Path) -> None:
    """A thousand cost a client nothing; they are counted."""
    file = tmp_path / "audit.jsonl"
    with serving("--demo", "--port", "0", "--audit", file) as (process, _, address):
        with Peer.connect(int(address.partition(":")[2])) as peer:
            peer.send(*(codec.GetMessage("IMAGE", device_name="nobody") for _ in range(1000)))
            for _ in range(2000):  # a STATUS and an RTS_IMAGE for each
                peer.receive()
        process.terminate()
        assert ended(process)[0] == 0
    refusals = [event for name, event in events_in(file.read_text()) if name == "Security Alert"]
    assert len(refusals) == 61
    words = refusals[-1]["EventIdentification"]["EventOutcomeDescription"]
    assert words == "940 more refusals of 127.0.0.1 were left out"


def test_a_client_by_ipv6_that_resets_is_written_as_people_write_it(tmp_path: Path) -> None:
    """With brackets, without Python's numbers of errors, and the end of the log is the server's."""
    file = tmp_path / "audit.jsonl"
    with serving("--demo", "--host", "[::1]", "--port", "0", "-v", "--audit", file) as running:
        process, _, address = running
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("::1", port)) as client:
            own_port = client.getsockname()[1]
            assert "connected" in process.stderr.readline()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left = process.stderr.readline()
        process.terminate()
        code, _, err = ended(process)
    assert left.endswith(f" client [::1]:{own_port} left: Connection reset by peer\n")
    assert (code, err) == (0, "")
    (line,) = [line for name, line in events_in(file.read_text()) if "reset" in str(line)]
    assert line["ActiveParticipant"][0]["UserID"] == f"[::1]:{own_port}"
