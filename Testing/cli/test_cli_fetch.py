"""``igtlmeta fetch``: files of what a server offers, and a line for each failure."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import nrrd
import numpy as np
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
    shelf_of,
    started,
)
from helpers.peers import Peer, Script, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec

# The demo's marker is a ball at the patient's left, 5 mm in radius (LPS mm here).
MARKER = (77.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("image_id", "marker_value", "air_value"), [("DEMO_CT", 400, -1000), ("DEMO_MR", 1000, 0)]
)
def test_left_is_left(
    demo_address: str, tmp_path: Path, image_id: str, marker_value: int, air_value: int
) -> None:
    result = igtlmeta("fetch", demo_address, image_id, "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path / image_id}.nrrd\n"
    voxels, header = nrrd.read(f"{tmp_path / image_id}.nrrd")
    assert header["space"] == "left-posterior-superior"

    def value_at(position: tuple[float, float, float]) -> int:
        index = np.linalg.solve(header["space directions"].T, position - header["space origin"])
        return voxels[tuple(np.rint(index).astype(int))]

    x, y, z = MARKER
    assert value_at((x, y, z)) == marker_value
    assert value_at((-x, y, z)) == air_value


def test_the_file_says_what_the_image_is_but_not_whose(tmp_path: Path) -> None:
    shelf = shelf_of("A")
    shelf.items[0].modality = "MR"
    shelf.items[0].patient_name = shelf.items[0].patient_id = "Doe"
    shelf.items[0].scan_time = codec.Timestamp.from_datetime(
        datetime(2024, 5, 6, tzinfo=timezone.utc)
    )
    with served(shelf) as address:
        igtlmeta("fetch", address, "A", "-o", tmp_path)
    header = nrrd.read_header(str(tmp_path / "A.nrrd"))
    assert header["id"] == "A"
    assert header["name"] == "image A"
    assert header["modality"] == "MR"
    assert header["scan_time"] == "2024-05-06T00:00:00.000000+00:00"
    assert b"Doe" not in (tmp_path / "A.nrrd").read_bytes()


def test_several_images_come_in_order_and_each_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with served(shelf_of("A", "B", "C")) as address:
        result = igtlmeta("fetch", address, "C", "A", "C", "-o", folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [f"{folder}/C.nrrd", f"{folder}/A.nrrd"]
    assert sorted(path.name for path in folder.iterdir()) == ["A.nrrd", "C.nrrd"]


def test_all_listed_images_can_be_had(tmp_path: Path) -> None:
    with served(shelf_of("A", "B")) as address:
        result = igtlmeta("fetch", address, "--all", "-o", tmp_path)
    assert result.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A.nrrd", "B.nrrd"]


def test_all_of_nothing_is_no_error(tmp_path: Path) -> None:
    with served(Shelf()) as address:
        result = igtlmeta("fetch", address, "--all", "-o", tmp_path)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"igtlmeta: {address} offers no images\n"


def test_an_image_that_is_not_listed_can_be_had(tmp_path: Path) -> None:
    shelf = shelf_of("A")
    shelf.items.clear()
    with served(shelf) as address:
        assert igtlmeta("fetch", address, "A", "-o", tmp_path).returncode == 0
    assert "name" not in nrrd.read_header(str(tmp_path / "A.nrrd"))


def test_one_failure_does_not_stop_the_others(tmp_path: Path) -> None:
    shelf = shelf_of("A", "B", "flat")
    shelf.messages["flat"].matrix[:] = 0
    too_long = "x" * 21
    with served(shelf) as address:
        result = igtlmeta("fetch", address, "A", "nope", too_long, "flat", "B", "-o", tmp_path)
    assert result.returncode == 1
    assert result.stdout.splitlines() == [f"{tmp_path}/A.nrrd", f"{tmp_path}/B.nrrd"]
    unknown, long, flat = result.stderr.splitlines()
    assert unknown.startswith("igtlmeta: nope: the server does not send the image 'nope'")
    assert "the shelf has no 'nope'" in unknown  # the server's own words
    assert long.startswith(f"igtlmeta: {too_long}: ")
    assert "the limit is 20" in long
    assert flat.startswith("igtlmeta: flat: ")
    assert "span no space" in flat
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A.nrrd", "B.nrrd"]


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", "2>/dev/full"], ids=["closed", "full disk"])
def test_what_cannot_be_said_keeps_no_image_from_being_fetched(
    tmp_path: Path, streams: str
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full, which is always full")
    with served(shelf_of("A")) as address:
        words = ["fetch", address, "nope", "A", "-o", tmp_path]
        result = subprocess.run(
            ["sh", "-c", f'exec "$@" {streams}', "sh", *COMMAND, *map(str, words)],
            timeout=SECONDS,
            check=False,
            env=environment(),
        )
    assert result.returncode == 1
    assert nrrd.read_header(str(tmp_path / "A.nrrd"))["id"] == "A"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "A.nrrd").mkdir()
    with served(shelf_of("A", "B")) as address:
        result = igtlmeta("fetch", address, "A", "B", "-o", tmp_path)
    assert (result.returncode, result.stdout) == (1, f"{tmp_path}/B.nrrd\n")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"igtlmeta: A: '{tmp_path}/A.nrrd' cannot be written: Is a directory")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A.nrrd", "B.nrrd"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = igtlmeta("fetch", "localhost:1", "A", "-o", tmp_path / "file")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"igtlmeta: cannot create the folder '{tmp_path}/file': File exists; "
        "choose another with -o\n"
    )


def test_without_pynrrd_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "nrrd.py").write_text("raise ImportError('pynrrd is not installed')")
    result = igtlmeta("fetch", "localhost:1", "A", "-o", tmp_path, PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "pip install pynrrd" in line


def test_a_server_that_closes_in_the_middle_of_an_image_is_named(tmp_path: Path) -> None:
    image = codec.pack(codec.ImageMessage(np.zeros((9, 9, 9), np.uint8), device_name="A"))

    def send_half(connection: socket.socket) -> None:
        connection.recv(58)
        connection.sendall(codec.pack(codec.ImageMetaMessage()))
        connection.recv(58)
        connection.sendall(image[: len(image) // 2])

    with peer(send_half) as address:
        result = igtlmeta("fetch", address, "A", "-o", tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "closed the connection in the middle of the message IMAGE 'A'" in line
    assert "try again" in line
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_it_without_a_trace(tmp_path: Path) -> None:
    connected = threading.Event()

    def keep_waiting(connection: socket.socket) -> None:
        connected.set()
        say_nothing(connection)

    with peer(keep_waiting) as address, started("fetch", address, "A", "-o", tmp_path) as process:
        assert connected.wait(SECONDS)
        process.send_signal(signal.SIGINT)
        assert ended(process) == (130, "", "")
    assert list(tmp_path.iterdir()) == []


def test_progress_is_shown_on_a_terminal_and_leaves_stdout_alone(tmp_path: Path) -> None:
    image = codec.pack(codec.ImageMessage(np.zeros((40, 100, 1000), np.uint8), device_name="[b]A"))
    half = len(image) // 2
    half_is_shown = threading.Event()

    def pause_halfway(connection: socket.socket) -> None:
        connection.recv(58)
        connection.sendall(codec.pack(codec.ImageMetaMessage()))
        connection.recv(58)
        connection.sendall(image[:half])
        half_is_shown.wait(SECONDS)
        connection.sendall(image[half:])

    main, other = open_terminal()
    shown = ""
    with (
        peer(pause_halfway) as address,
        subprocess.Popen(
            [*COMMAND, "fetch", address, "[b]A", "-o", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=other,
            encoding="utf-8",
            env=environment(TERM="xterm", COLUMNS="100"),
        ) as process,
    ):
        os.close(other)
        while "2.0/4.0 MB" not in shown:
            shown += os.read(main, 1 << 16).decode(errors="replace")  # fails after the command ends
        half_is_shown.set()
        out, _ = process.communicate(timeout=SECONDS)
    os.close(main)
    assert "[b]A" in shown
    assert (process.returncode, out) == (0, f"{tmp_path}/[b]A.nrrd\n")


# What the server sends differs from its list


def test_what_differs_from_the_list_is_said(tmp_path: Path) -> None:
    shelf = shelf_of("A")
    shelf.items[0].size = (512, 512, 64)
    shelf.items[0].scalar_type = codec.ScalarType.UINT16
    with served(shelf) as address:
        result = igtlmeta("fetch", address, "A", "-o", tmp_path)
    assert result.returncode == 0
    assert result.stderr.splitlines() == [
        "igtlmeta: A: listed with 512 × 512 × 64 voxels, received with 1 × 1 × 1",
        "igtlmeta: A: listed as uint16, received as uint8",
    ]


def test_another_image_is_not_written_under_that_name(tmp_path: Path) -> None:
    item = codec.ImageMetaItem(id="SLD-001", size=(2, 2, 2))
    other = codec.ImageMessage(np.zeros((9, 9, 9), np.int16), device_name="SLD-002")

    def answer(peer: Peer) -> None:
        while True:
            is_for_image = peer.receive().type_name == "GET_IMAGE"
            peer.send(other if is_for_image else codec.ImageMetaMessage(items=[item]))

    with ScriptedServer(answer) as server:
        address = f"127.0.0.1:{server.port}"
        options = ("-o", tmp_path, "--timeout", "1")
        result = igtlmeta_here(server, "fetch", address, "SLD-001", *options)
    assert (result.returncode, result.stdout) == (1, "")
    assert "instead came the image 'SLD-002' of 9 × 9 × 9 voxels, int16" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("patient", ["", "P1"], ids=["the next patient", "the same patient"])
def test_a_server_that_is_started_again(tmp_path: Path, patient: str) -> None:
    """Its image has the ID, size and type of that of before: only the list says what it is."""

    def numbering(name: str, is_ending: bool) -> Script:
        item = codec.ImageMetaItem(
            name, "0", patient_id=patient or name, size=(4, 3, 2), scalar_type=5
        )
        image = make_image(1, device_name="0")
        image = replace(image, header_version=2, metadata={"PatientID": patient})

        def serve(server: Peer) -> None:
            while (query := server.receive()) is not None:
                if query.type_name == "GET_IMAGE":
                    server.send(image)
                elif query.type_name == "GET_IMGMETA":
                    server.send(codec.ImageMetaMessage(items=[item]))
                    if is_ending:
                        return

        return serve

    with ScriptedServer(numbering("Before", True), numbering("After", False)) as server:
        result = igtlmeta("fetch", f"127.0.0.1:{server.port}", "0", "-o", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "the list has changed since it was read" in result.stderr
    assert nrrd.read_header(str(tmp_path / "0.nrrd"))["name"] == "After"


# What the file says


def test_the_file_has_the_messages_time_and_metadata_but_not_the_patients(tmp_path: Path) -> None:
    shelf = shelf_of("A")
    image = shelf.messages["A"]
    image.timestamp = codec.Timestamp.from_datetime(datetime(2024, 5, 6, tzinfo=timezone.utc))
    image.metadata = {
        "StudyDescription": "Abdomen",
        "Position": "not in the file",
        "space": "a name that is a field of the format",
        "PatientName": "Doe",
        "PatientBirthDate": "19700101",
    }
    with served(shelf) as address:
        igtlmeta("fetch", address, "A", "-o", tmp_path)
    header = nrrd.read_header(str(tmp_path / "A.nrrd"))
    assert header["timestamp"] == "2024-05-06T00:00:00.000000+00:00"
    assert header["StudyDescription"] == "Abdomen"
    assert header["Position"] == "not in the file"
    assert header["space"] == "left-posterior-superior"
    assert header["metadata space"] == "a name that is a field of the format"
    assert not {"PatientName", "PatientBirthDate"} & set(header)


def test_axes_that_are_not_at_right_angles_are_said(tmp_path: Path) -> None:
    shelf = shelf_of("A")
    shelf.messages["A"].matrix[:, :3] = [[1, 0.5, 0], [0, 1, 0], [0, 0, 1]]
    with served(shelf) as address:
        result = igtlmeta("fetch", address, "A", "-o", tmp_path)
    assert result.returncode == 0
    assert "A: its axes are not at right angles" in result.stderr


def test_coordinates_can_be_overruled(tmp_path: Path) -> None:
    shelf = shelf_of("A")
    shelf.messages["A"].matrix[:, 3] = [10, 20, 30]
    origins = []
    for option in ([], ["--lps"]):
        with served(shelf) as address:
            igtlmeta("fetch", address, "A", "-o", tmp_path, *option)
        origins.append(nrrd.read_header(str(tmp_path / "A.nrrd"))["space origin"].tolist())
    assert origins == [[-10, -20, 30], [10, 20, 30]]


# Limits


def test_a_larger_image_is_fetched_if_that_is_allowed(tmp_path: Path) -> None:
    shelf = shelf_of("A")
    shelf.messages["A"].pixels = np.zeros((20, 100, 100), np.uint8)
    shelf.items[0].size = (100, 100, 20)
    with served(shelf) as address:
        refused = igtlmeta("fetch", address, "A", "-o", tmp_path, "--max-size", "100k")
        assert refused.returncode == 1
        assert "the limit is 102400" in refused.stderr
        assert "--max-size" in refused.stderr
        done = igtlmeta("fetch", address, "A", "-o", tmp_path, "--max-size", "0.5M")
    assert (done.returncode, done.stderr) == (0, "")


def test_images_without_a_checksum_are_fetched_if_that_is_accepted(tmp_path: Path) -> None:
    data = bytearray(codec.pack(codec.ImageMessage(np.zeros((2, 2, 2), "u1"), device_name="A")))
    data[50:58] = bytes(8)

    def answer(connection: socket.socket) -> None:
        while query := connection.recv(58):
            is_list = b"GET_IMGMETA" in query
            connection.sendall(codec.pack(codec.ImageMetaMessage()) if is_list else data)

    with peer(answer) as address:
        refused = igtlmeta("fetch", address, "A", "-o", tmp_path)
        done = igtlmeta("fetch", address, "A", "-o", tmp_path, "--accept-missing-checksum")
    assert refused.returncode == 1
    assert "came without a checksum" in refused.stderr
    assert "--accept-missing-checksum" in refused.stderr
    assert (done.returncode, done.stderr) == (0, "")


def test_that_all_may_not_be_all_is_said_of_a_server_that_pushes_other_lists(
    tmp_path: Path,
) -> None:
    def script(peer: Peer) -> None:
        while True:
            query = peer.receive()
            lists = [
                codec.ImageMetaMessage([codec.ImageMetaItem(id=one, size=(2, 2, 2)) for one in ids])
                for ids in ("A", "AB")
            ]
            image = make_image(1, (2, 2, 2), query.device_name)
            peer.send(*(lists if query.type_name == "GET_IMGMETA" else [image]))

    with ScriptedServer(script) as server:
        result = igtlmeta("fetch", f"{server.host}:{server.port}", "--all", "-o", tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["A", "B"]
    assert "several lists of images" in result.stderr
