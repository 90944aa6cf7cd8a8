"""``igtlmeta list``: the table, the JSON, and what goes wrong on the way to them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from cli.command import (
    COMMAND,
    SECONDS,
    Shelf,
    ended,
    environment,
    igtlmeta,
    igtlmeta_here,
    open_terminal,
    peer,
    say_nothing,
    served,
    started,
)
from helpers.peers import Peer, ScriptedServer
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.codec import ImageMetaItem, ScalarType, Timestamp

SCAN_TIME = datetime(2010, 12, 7, 16, 29, 30, 234500, tzinfo=timezone.utc)
HEAD = ImageMetaItem(
    name="Schädel, nativ",
    id="IMAGE_0",
    modality="CT",
    patient_name="Müller, Jörg",
    patient_id="123 A",
    scan_time=Timestamp.from_datetime(SCAN_TIME),
    size=(512, 256, 64),
    scalar_type=ScalarType.UINT16,
)
# All that a server can leave out or get wrong.
BARE = ImageMetaItem(id="bare", scalar_type=99)
# As an archive lists a series that it has not fetched yet.
UNSEEN = ImageMetaItem(id="unseen", size=(0, 0, 0), scalar_type=ScalarType.UINT8)


def test_the_table_has_all_fields() -> None:
    with served(Shelf([HEAD, BARE, UNSEEN])) as address:
        result = igtlmeta("list", address)
    assert (result.returncode, result.stderr) == (0, "")
    headings, head, bare, unseen = (re.split(" {2,}", line) for line in result.stdout.splitlines())
    assert headings == [
        "Name", "ID", "Modality", "Patient", "Patient ID", "Scan time (UTC)", "Size", "Type"
    ]  # fmt: skip
    assert head == [
        "Schädel, nativ", "IMAGE_0", "CT", "Müller, Jörg", "123 A",
        "2010-12-07 16:29:30", "512x256x64", "uint16",
    ]  # fmt: skip
    assert bare == ["", "bare", "unknown", "unknown (99)"]
    assert unseen == ["", "unseen", "unknown", "unknown"]


@pytest.mark.parametrize("command", ["list", "fetch", "trajectories", "probe", "record"])
def test_what_serves_images_is_not_loaded_for_those_who_ask(command: str) -> None:
    """Loading it would take as long as a list takes to come."""
    code = (
        "import sys; from IGTLMetaBrowserLib.cli.main import main\n"
        f"try: main([{command!r}, '--help'])\n"
        "finally: assert 'IGTLMetaBrowserLib.sources.dicom.folder' not in sys.modules"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment(), timeout=SECONDS, capture_output=True
    )
    assert (result.returncode, result.stderr) == (0, b"")


def test_the_json_has_all_fields() -> None:
    with served(Shelf([HEAD, BARE])) as address:
        result = igtlmeta("list", address, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == [
        {
            "name": "Schädel, nativ",
            "id": "IMAGE_0",
            "modality": "CT",
            "patient_name": "Müller, Jörg",
            "patient_id": "123 A",
            "scan_time": "2010-12-07T16:29:30.234500+00:00",
            "size": [512, 256, 64],
            "scalar_type": "uint16",
        },
        {
            "name": "",
            "id": "bare",
            "modality": "",
            "patient_name": "",
            "patient_id": "",
            "scan_time": None,
            "size": [0, 0, 0],
            "scalar_type": None,
        },
    ]


@pytest.mark.parametrize("time", [SCAN_TIME, SCAN_TIME.replace(microsecond=0)])
def test_the_scan_time_can_be_read_back(time: datetime) -> None:
    item = ImageMetaItem(id="A", scan_time=Timestamp.from_datetime(time))
    with served(Shelf([item])) as address:
        (listed,) = json.loads(igtlmeta("list", address, "--json").stdout)
    assert datetime.fromisoformat(listed["scan_time"]) == time


def test_a_pipe_gets_every_row_whole_in_one_line() -> None:
    longest = ImageMetaItem("n" * 64, "i" * 20, "m" * 32, "p" * 64, "d" * 64, size=(65535,) * 3)
    with served(Shelf([longest] * 3)) as address:
        lines = igtlmeta("list", address, COLUMNS="40").stdout.splitlines()
    assert len(lines) == 4
    for text in ("n" * 64, "i" * 20, "m" * 32, "p" * 64, "d" * 64, "65535x65535x65535", "uint8"):
        assert text in lines[1]


@pytest.mark.parametrize("columns", [40, 80])
def test_a_narrow_terminal_gets_every_character(columns: int) -> None:
    with served(Shelf([replace(HEAD, id="PWU5SRV6LWWY6E73FPE0")])) as address:
        shown = on_terminal("list", address, columns=columns)
    for column in ("Schädel,nativ", "PWU5SRV6LWWY6E73FPE0", "Müller,Jörg", "2010-12-0716:29:30"):
        assert is_folded_into(column, shown)


def test_a_wide_terminal_gets_a_line_a_row() -> None:
    with served(Shelf([HEAD])) as address:
        shown = on_terminal("list", address, columns=150)
    assert re.search(r"Schädel, nativ +IMAGE_0 +CT +Müller, Jörg .* uint16", shown)


def test_a_terminal_without_rich_gets_the_plain_table(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ImportError('rich is not installed')")
    with served(Shelf([HEAD])) as address:
        shown = on_terminal("list", address, columns=150, PYTHONPATH=str(tmp_path))
    assert "Schädel, nativ  IMAGE_0  CT        Müller, Jörg  123 A" in shown


HOSTILE = ImageMetaItem(
    name="\x1b]0;title\x07[bold]red[/bold]\u202e", id="a\udcff\x1b[31m", patient_name="x\ny"
)


@pytest.mark.parametrize("columns", [None, 200])
def test_a_hostile_server_cannot_steer_the_terminal(columns: int | None) -> None:
    with served(Shelf([HOSTILE])) as address:
        if columns is None:
            shown = igtlmeta("list", address).stdout
        else:
            shown = on_terminal("list", address, columns=columns)
    assert "\ufffd]0;title\ufffd[bold]red[/bold]\ufffd" in shown
    assert r"a\xff\x1b[31m" in shown
    assert "x\ufffdy" in shown
    for harmful in ("\x1b]", "\x1b[31m", "\x07", "\u202e"):
        assert harmful not in shown


def test_json_of_a_hostile_server_is_json() -> None:
    with served(Shelf([HOSTILE])) as address:
        result = igtlmeta("list", address, "--json")
    assert result.stdout.isascii()
    (listed,) = json.loads(result.stdout)
    assert listed["id"] == "a\\xff\x1b[31m"
    assert listed["patient_name"] == "x\ny"
    json.dumps(listed, ensure_ascii=False).encode()  # no lone surrogates


def test_an_encoding_without_the_characters_is_no_obstacle() -> None:
    with served(Shelf([HEAD])) as address:
        result = igtlmeta("list", address, PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert r"Sch\xe4del, nativ" in result.stdout


def test_an_empty_list_is_no_error() -> None:
    with served(Shelf()) as address:
        table, as_json = igtlmeta("list", address), igtlmeta("list", address, "--json")
    assert (table.returncode, table.stdout) == (0, "")
    assert table.stderr == f"igtlmeta: {address} offers no images\n"
    assert (as_json.returncode, json.loads(as_json.stdout), as_json.stderr) == (0, [], "")


def test_an_unknown_host_is_named() -> None:
    complaint = the_complaint_of("list", "no..host:1")
    assert complaint.startswith("the host name 'no..host' is not known")
    assert complaint.endswith("check the name and the network")


def test_a_refused_port_is_named(reserved_port: int) -> None:
    assert the_complaint_of("list", f"127.0.0.1:{reserved_port}") == (
        f"cannot connect to 127.0.0.1:{reserved_port}: Connection refused; "
        "check the port, and whether the server is running"
    )


@pytest.mark.parametrize("command", [["list"], ["trajectories"], ["fetch", "A", "-o", "."]])
def test_a_silent_server_is_given_up(command: list[str], tmp_path: Path) -> None:
    name, *rest = command
    with peer(say_nothing) as address:
        complaint = the_complaint_of(name, address, *rest, "--timeout", "0.5")
    assert f"{address} did not answer in 0.5 s" in complaint
    assert "check that it is an OpenIGTLink server" in complaint


def test_a_web_server_is_not_taken_for_an_openigtlink_server() -> None:
    def answer_as_a_web_server(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n" + b" " * 99
        )

    with peer(answer_as_a_web_server) as address:
        complaint = the_complaint_of("list", address)
    assert "is a web server, not an OpenIGTLink server; check the port" in complaint


def test_a_wrong_checksum_is_named() -> None:
    def answer_wrongly(connection: socket.socket) -> None:
        connection.recv(1024)
        answer = bytearray(codec.pack(codec.ImageMetaMessage(items=[HEAD])))
        answer[-1] ^= 1
        connection.sendall(answer)
        say_nothing(connection)

    with peer(answer_wrongly) as address:
        assert "checksum" in the_complaint_of("list", address)


def test_a_server_that_pushes_other_lists_is_asked_a_few_times_and_it_is_said() -> None:
    def script(peer: Peer) -> None:
        while True:
            peer.receive()
            both = ([UNSEEN], [HEAD, BARE])  # nothing tells which is the answer
            messages = [codec.pack(codec.ImageMetaMessage(items)) for items in both]
            peer.socket.sendall(b"".join(messages))

    with ScriptedServer(script) as server:
        result = igtlmeta("list", f"{server.host}:{server.port}", "--json")
    assert result.returncode == 0
    assert [image["id"] for image in json.loads(result.stdout)] == ["IMAGE_0", "bare"]
    assert "several lists of images" in result.stderr


def test_a_reader_that_has_enough_is_no_error() -> None:
    with served(Shelf([HEAD] * 5000)) as address, started("list", address) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()  # as head -1 does
        process.stdout = None
        code, _, err = ended(process)
    assert (code, err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_an_error() -> None:
    with served(Shelf([HEAD])) as address, Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*COMMAND, "list", address],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
            env=environment(),
        )
    assert result.returncode == 1
    assert re.fullmatch("igtlmeta: .*No space left on device.*check its disk\n", result.stderr)


def the_complaint_of(*arguments: str) -> str:
    """Run a command that fails; return the only line that it prints."""
    result = igtlmeta(*arguments)
    assert (result.returncode, result.stdout) == (1, "")
    match = re.fullmatch("igtlmeta: (.*)\n", result.stderr)
    assert match, f"not one line: {result.stderr!r}"
    return match[1]


def on_terminal(*arguments: str, columns: int, **changes: str) -> str:
    """Run the command with its output on a terminal; return what is shown there."""
    main, other = open_terminal()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=other,
        env=environment(COLUMNS=str(columns), TERM="xterm", **changes),
    )
    os.close(other)
    shown = b""
    try:
        while piece := os.read(main, 65536):
            shown += piece
    except OSError:  # Linux has this for the end of a terminal
        pass
    os.close(main)
    assert process.wait(timeout=SECONDS) == 0
    return shown.decode()


def is_folded_into(text: str, shown: str) -> bool:
    """Whether a column of what is shown holds ``text``, in pieces one below the other."""
    lines = shown.splitlines()
    width = max(map(len, lines))
    for start in range(width):
        for end in range(start + 1, width + 1):
            column = "".join(line[start:end] for line in lines)
            if text in "".join(column.split()):
                return True
    return False


def test_the_json_has_what_the_server_knows_besides() -> None:
    class Described(Shelf):
        def metadata(self, image_id: str) -> dict[str, str]:
            return {"StudyDescription": "Abdomen"} if image_id == "IMAGE_0" else {}

    with served(Described([HEAD, BARE])) as address:
        head, bare = json.loads(igtlmeta("list", address, "--json").stdout)
    assert head["metadata"] == {"StudyDescription": "Abdomen"}
    assert "metadata" not in bare


def test_one_image_whose_metadata_are_refused_does_not_cost_the_list() -> None:
    class WithMetadata(Shelf):
        def metadata(self, image_id: str) -> dict[str, str]:
            if image_id == BARE.id:
                raise net.SourceError("it was deleted")
            return {"StudyDescription": "Abdomen"}

    with served(WithMetadata([BARE, HEAD])) as address:
        result = igtlmeta("list", address, "--json")
    bare, head = json.loads(result.stdout)
    assert head["metadata"] == {"StudyDescription": "Abdomen"}
    assert "metadata" not in bare
    assert (result.returncode, result.stderr.count("it was deleted")) == (0, 1)


def test_metadata_that_never_come_do_not_cost_the_list() -> None:
    own = {"Server": "IGTLMetaBrowser"}
    asked = []

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            asked.append(query.device_name)
            if (query.data_type, query.device_name) == ("IMGMETA", ""):
                items = [HEAD, BARE]
                peer.send(codec.ImageMetaMessage(items=items, metadata=own, header_version=2))

    with ScriptedServer(serve) as server:
        address = f"127.0.0.1:{server.port}"
        result = igtlmeta_here(server, "list", address, "--json", "--timeout", "0.5")
    assert [image["id"] for image in json.loads(result.stdout)] == [HEAD.id, BARE.id]
    assert result.returncode == 0
    assert "igtlmeta: no more metadata: " in result.stderr
    assert BARE.id not in asked


def test_long_names_come_whole_from_our_own_server() -> None:
    long = "Schädel nativ " * 9 + "Ende"
    with served(Shelf([replace(HEAD, name=long)])) as address:
        (head,) = json.loads(igtlmeta("list", address, "--json").stdout)
        table = igtlmeta("list", address).stdout
    assert head["name"] == long
    assert long in table


def test_names_in_the_code_page_of_windows_can_be_read_but_ids_stay_as_they_are() -> None:
    name = "Weiß, Jörg".encode("cp1252").decode("utf-8", "surrogateescape")
    item = replace(HEAD, name=name, patient_name=name, id="\udcff")
    with served(Shelf([item])) as address:
        (head,) = json.loads(igtlmeta("list", address, "--json").stdout)
        table = igtlmeta("list", address).stdout
    assert (head["name"], head["patient_name"], head["id"]) == ("Weiß, Jörg", "Weiß, Jörg", r"\xff")
    assert "Weiß, Jörg" in table
