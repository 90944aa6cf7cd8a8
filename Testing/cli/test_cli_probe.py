"""``igtlmeta probe``: what it says of servers good and odd."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.command import SECONDS, igtlmeta, igtlmeta_here
from helpers.certificates import Authority
from helpers.clinic import SECRETS, Clinic
from helpers.peers import Peer, ScriptedServer, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.probe import probe
from interop.reference_library import BuildExample


def probed(port: int, *options: object) -> dict[str, Any]:
    """Probe a server that answers everything, unless ``options`` say how long to wait for it."""
    timeout = ("--timeout", SECONDS)
    result = igtlmeta("probe", f"127.0.0.1:{port}", "--json", *timeout, *options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def probed_here(server: ScriptedServer, *options: object) -> subprocess.CompletedProcess[str]:
    address = f"127.0.0.1:{server.port}"
    result = igtlmeta_here(server, "probe", address, "--timeout", "0.5", *options)
    assert result.returncode == 0, result.stderr
    return result


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {answer["query"]: answer["outcome"] for answer in report["answers"]}


def test_our_own_server_has_nothing_odd(demo_address: str) -> None:
    report = probed(int(demo_address.rpartition(":")[2]))
    assert report["quirks"] == []
    assert report["images"]["count"] == 3
    assert report["fetched"]["bytes"] > 256 * 256 * 128
    assert report["fetched"]["megabytes_per_second"] > 0
    assert report["fetched"]["coordinates"] == "RAS"
    assert report["extensions"] == ["IMGPART", "IMGTHUMB"]
    found = outcomes(report)
    assert found["GET_IMGMETA"] == found["GET_IMGMETA with a name"] == "answered"
    assert found["GET_IMGMETA in header version 2"] == "answered"
    assert found["GET_TRAJ"] == found["GET_CAPABILI"] == "answered"
    assert found["GET_LBMETA"] == found["GET_IMAGE"] == "refused"


def test_in_words(demo_address: str) -> None:
    text = igtlmeta("probe", demo_address, "--timeout", "1e10").stdout  # longer than sockets wait
    assert f"{demo_address}: connected in " in text
    assert "not encrypted" in text
    assert "images: count 3, modalities CT:1 MR:1 PT:1, largest 256x256x128\n" in text
    assert ", byte order little-endian, metadata count 0\n" in text
    assert "extensions of this project: IMGPART, IMGTHUMB" in text
    assert "Nothing unusual was found." in text


def test_names_of_patients_are_not_in_it() -> None:
    with ServerInThread(Clinic()) as server:
        report = json.dumps(probed(server.port))
    assert not any(secret in report for secret in SECRETS)


def test_the_certificate_is_shown(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    tls = net.ServerTLS(authority.issue("127.0.0.1"))
    with ServerInThread(Clinic(), tls=tls.make_context()) as server:
        report = probed(server.port, "--tls-ca", authority.file)
    assert report["tls"]["version"] == "TLSv1.3"
    assert report["tls"]["certificate"] == "127.0.0.1"
    assert report["tls"]["expires"]
    assert len(report["tls"]["fingerprint"]) == 95


def odd_server(peer: Peer) -> None:
    """Stream, answer under a name of its own without a checksum, and send other images."""
    peer.send(codec.TransformMessage(device_name="Stylus"))
    items = [codec.ImageMetaItem("A", "A" * 20, size=(9, 9, 9), scalar_type=3)] * 2
    while True:
        query = peer.receive()
        if query.type_name == "GET_IMGMETA" and not query.device_name:
            data = bytearray(codec.pack(codec.ImageMetaMessage(items, device_name="Server")))
            data[50:58] = struct.pack(">Q", 0)
            peer.send(bytes(data))
        elif query.type_name == "GET_IMAGE" and query.device_name == "A" * 20:
            peer.send(make_image(1))
        elif query.type_name == "GET_TRAJ":
            return


def test_what_is_odd_is_said_in_words() -> None:
    with ScriptedServer(odd_server) as server:
        report = json.loads(probed_here(server, "--json").stdout)
    quirks = "\n".join(report["quirks"])
    assert "it sends without being asked: TRANSFORM" in quirks
    assert "a missing checksum" in quirks
    assert "1 IDs occur more than once" in quirks
    assert "the list is sent only to clients that request it without a name" in quirks
    assert "GET_TRAJ ends the connection" in quirks
    assert "an image listed as (9, 9, 9) came as (4, 3, 2)" in quirks


def test_a_server_writes_nothing_to_the_terminal_but_words() -> None:
    def inventing(peer: Peer) -> None:
        for number in range(99):
            data = bytearray(codec.pack(codec.TransformMessage()))
            data[2:14] = b"\x1b[31m%-7d" % number  # its type
            peer.send(bytes(data))
        peer.receive()

    with ScriptedServer(inventing) as server:
        result = probed_here(server)
    assert "\x1b" not in result.stdout + result.stderr
    assert result.stdout.count("[31m") == 20


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "is a web server, not an"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "is an SSH server, not an"),  # less than a header
        (b"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS only; connect with TLS (--tls)"),
    ],
)
def test_a_server_of_something_else_is_said_as_by_other_commands(beginning, words) -> None:
    def other(peer: Peer) -> None:
        peer.send(beginning.ljust(8, b"\0"))
        peer.wait_until_closed()

    with ScriptedServer(other) as server:
        result = igtlmeta_here(server, "probe", f"127.0.0.1:{server.port}", "--timeout", "0.5")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert words in result.stderr


def test_a_server_of_which_nothing_can_be_read_is_unusual() -> None:
    def garbled(peer: Peer) -> None:
        peer.send(b"\x7f" * 1000)
        peer.wait_until_closed()

    with ScriptedServer(garbled) as server:
        report = json.loads(probed_here(server, "--json").stdout)
    assert {*outcomes(report).values()} == {"unreadable"}
    assert any(quirk.startswith("it has answered nothing") for quirk in report["quirks"])
    assert any(quirk.startswith("what answers GET_IMGMETA, GET_") for quirk in report["quirks"])


def test_a_message_beyond_the_limit_is_not_said_to_be_no_message(demo_address: str) -> None:
    report = probed(int(demo_address.rpartition(":")[2]), "--max-size", "100")
    assert outcomes(report)["GET_IMGMETA"] == "unreadable"
    assert "780 bytes came; the limit is 100 (--max-size)" in report["answers"][0]["words"]
    assert "what answers GET_IMGMETA, GET_IMGMETA with a name" in "".join(report["quirks"])


def test_who_answers_nothing_is_asked_all_at_once_and_it_is_said_what_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each query alone, the eight of them took 26 s without a word."""
    monkeypatch.setattr(probe, "_SECONDS_WITHOUT_WORDS", 0.0)
    asked = []

    def silent(peer: Peer) -> None:
        while True:
            asked.append(peer.receive().type_name)

    with ScriptedServer(silent) as server:
        result = probed_here(server)
        assert server.connections == 1
    assert "it has answered nothing: it may be no OpenIGTLink server" in result.stdout
    assert result.stdout.count("silence") == 8
    assert len(asked) == 7  # a peer passes over GET_STATUS
    assert result.stderr.splitlines() == [
        "igtlmeta: no answer yet to GET_IMGMETA; waits 0.5 s at most (--timeout)",
        "igtlmeta: no answer yet to 7 other queries; waits 0.5 s at most (--timeout)",
    ]


def test_who_answers_only_some_is_asked_one_by_one() -> None:
    """Of several queries it is not known to which a STATUS would belong."""

    def only_points(peer: Peer) -> None:
        while True:
            if peer.receive().type_name == "GET_POINT":
                peer.send(codec.PointMessage())

    with ScriptedServer(only_points) as server:
        found = outcomes(json.loads(probed_here(server, "--json").stdout))
    assert found.pop("GET_POINT") == "answered"
    assert {*found.values()} == {"silence"}


def test_beside_quick_answers_the_missing_ones_are_waited_for_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One after the other, seven of them took 3 s each. One that comes late is seen as well."""
    monkeypatch.setattr(probe, "_ALONE_SECONDS", 0.05)
    asked = []

    def only_lists(peer: Peer) -> None:
        while True:
            asked.append(peer.receive().type_name)
            if asked == ["GET_IMGMETA"]:
                peer.send(codec.ImageMetaMessage())
            if asked[-1] == "GET_POINT":  # behind its time alone: GET_TRAJ is asked before
                peer.send(codec.TrajectoryMessage([codec.TrajectoryItem("Lead")]))

    with ScriptedServer(only_lists) as server:
        report = json.loads(probed_here(server, "--json").stdout)
        assert server.connections == 1
    answers = {answer["query"]: answer for answer in report["answers"]}
    for query in ("GET_IMGMETA", "GET_TRAJ"):
        assert answers.pop(query)["outcome"] == "answered"
    assert {answer["outcome"] for answer in answers.values()} == {"silence"}
    assert len(report["answers"]) == 8
    assert "none in 0.5 s; others were asked after 0." in answers["GET_POINT"]["words"]


def test_an_error_that_names_no_query_is_not_that_of_a_later_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It refuses the trajectories late, when label maps are asked for, and those never."""
    monkeypatch.setattr(probe, "_ALONE_SECONDS", 0.05)
    asked = []

    def late(peer: Peer) -> None:
        while True:
            asked.append(peer.receive().type_name)
            if asked[-1] == "GET_IMGMETA":
                peer.send(codec.ImageMetaMessage())
            is_late = asked[-1] == "GET_LBMETA" and asked.count("GET_LBMETA") == 1
            if is_late or (asked[-1] == "GET_TRAJ" and asked.count("GET_TRAJ") == 2):
                peer.send(codec.StatusMessage(code=codec.StatusCode.NOT_FOUND))

    with ScriptedServer(late) as server:
        found = outcomes(json.loads(probed_here(server, "--json").stdout))
    assert found["GET_TRAJ"] == "refused"
    assert found["GET_LBMETA"] == "silence"


def test_a_keep_alive_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_ALONE_SECONDS", 0.05)

    def alive(peer: Peer) -> None:
        while True:
            query = peer.receive().type_name
            peer.send(codec.StatusMessage(code=codec.StatusCode.OK))
            if query == "GET_IMGMETA":
                peer.send(codec.ImageMetaMessage())

    with ScriptedServer(alive) as server:
        found = outcomes(json.loads(probed_here(server, "--json").stdout))
    assert {found[name] for name in ("GET_TRAJ", "GET_POINT", "GET_IMAGE")} == {"silence"}


def test_beside_slow_answers_each_missing_one_has_its_whole_time_alone(monkeypatch) -> None:
    monkeypatch.setattr(probe, "_ALONE_SECONDS", 60.0)

    def only_the_list(peer: Peer) -> None:
        while True:
            if peer.receive().type_name == "GET_IMGMETA":
                peer.send(codec.ImageMetaMessage())

    with ScriptedServer(only_the_list) as server:
        report = json.loads(probed_here(server, "--json").stdout)
    words = {answer["words"] for answer in report["answers"] if answer["outcome"] == "silence"}
    assert words == {"none in 0.5 s"}  # that of --timeout, and no more


def test_nobody_there() -> None:
    result = igtlmeta("probe", "127.0.0.1:1")
    assert result.returncode == 1
    assert "check the port" in result.stderr


@pytest.fixture(scope="module")
def build_example(tmp_path_factory: pytest.TempPathFactory) -> BuildExample:
    from interop import reference_library

    if reason := reference_library.why_missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("examples")
    return lambda name: reference_library.build_example(name, folder)


def test_the_cpp_image_database_server(build_example: BuildExample) -> None:
    from interop import reference_library

    program = build_example("ImageDatabaseServer/ImageDatabaseServer")
    with reference_library.running(program, reference_library.IMAGE_FOLDER) as port:
        report = probed(port, "--timeout", "2")
    found = outcomes(report)
    assert found["GET_IMGMETA"] == "answered"
    assert found["GET_TRAJ"] == "silence"
    assert any("came as" in quirk for quirk in report["quirks"])
