"""Pipes and devices where files are named: they are not waited for, and not read for ever.

But where a pipe is how a shell hands over a secret or a small text, it is read.
"""

from __future__ import annotations

import json
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from cli.command import igtlmeta, served, serving, shelf_of
from helpers.certificates import Authority
from IGTLMetaBrowserLib import regular_file
from IGTLMetaBrowserLib.net.server.audit import AuditError, AuditFile

SERVE = ["serve", "--demo", "--port", "0"]
READ = [
    [*SERVE, "--tls-cert"],
    [*SERVE, "--tls-cert", "own.pem", "--tls-key"],
    [*SERVE, "--tls-cert", "own.pem", "--tls-client-ca"],
    [*SERVE, "--tls-cert", "own.pem", "--tls-client-ca", "ca.pem", "--tls-revoked"],
    ["serve", "--dicomweb", "https://localhost:1", "--archive-ca"],
    ["serve", "--dicomweb", "https://localhost:1", "--archive-cert"],
    ["serve", "--dicom", "A@localhost:1", "--archive-ca"],
    ["serve", "--dicom", "A@localhost:1", "--archive-ca", "ca.pem", "--archive-cert"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pipe that nobody writes to, a device without an end, and good files."""
    folder = tmp_path_factory.mktemp("named")
    os.mkfifo(folder / "pipe")
    (folder / "zeros").symlink_to("/dev/zero")
    authority = Authority.make(folder / "authority")
    (folder / "ca.pem").symlink_to(authority.file)
    (folder / "own.pem").symlink_to(authority.issue("localhost"))
    return folder


@pytest.mark.parametrize("name", ["pipe", "zeros"])
@pytest.mark.parametrize("words", READ, ids=" ".join)
def test_what_is_no_file_is_not_read(words: list[str], name: str, folder: Path) -> None:
    paths = [folder / word if word.endswith(".pem") else word for word in words]
    result = igtlmeta(*paths, folder / name)
    assert result.returncode == 1
    assert f"'{folder / name}'" in result.stderr
    assert "it is a pipe or a device, and no file" in result.stderr


@pytest.mark.parametrize("option", ["--tls-ca", "--tls-cert"])
def test_nor_is_it_by_whoever_asks_a_server(option: str, folder: Path) -> None:
    with served(shelf_of()) as address:
        result = igtlmeta("list", address, option, folder / "pipe")
    assert result.returncode == 1
    assert "pipe' cannot be read: it is a pipe or a device, and no file; check the path" in (
        result.stderr
    )


@pytest.mark.parametrize("words", [["store", "--images", "."], ["index", "--graph"]])
def test_a_path_that_cannot_even_be_looked_at_is_named(words: list[str], tmp_path: Path) -> None:
    """As on a share of the network that is away; this one is too long for the system."""
    path = "a" * 300 + ".json"
    output = ["-o", tmp_path] if words[0] == "store" else []
    result = igtlmeta(words[0], path, *words[1:], *output)
    assert (result.returncode, result.stdout) == (1, "")
    # Python 3.14 takes it for a file that is not there.
    assert re.search(f"'{path}' cannot be read: File name too long|no (file|folder) .*{path}",
                     result.stderr)  # fmt: skip


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe, which a shell makes of ``<(…)`` as well, but under a number."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_key_can_be_handed_over_by_a_pipe(pipe: Path, tmp_path: Path) -> None:
    """Who keeps it in a safe need not write it to the disk: ``<(pass show key)``."""
    (tmp_path / "key").write_bytes(b"a secret of 16 bytes and more")
    lists = []
    with ThreadPoolExecutor() as other:
        other.submit(pipe.write_bytes, (tmp_path / "key").read_bytes())
        for key in (pipe, tmp_path / "key"):
            options = ("--demo", "--port", "0", "--deidentify", "--deidentify-key", key)
            with serving(*options) as (_, _, address):
                lists.append(igtlmeta("list", address, "--json").stdout)
    assert lists[0] == lists[1]


def test_a_plan_can_be_handed_over_by_a_pipe(pipe: Path, phantom: Path, tmp_path: Path) -> None:
    plan = [{"name": "a", "type": "target", "target": [1, 2, 3]}]
    with ThreadPoolExecutor() as other:
        other.submit(pipe.write_text, json.dumps(plan))
        result = igtlmeta("store", pipe, "--images", phantom / "CT", "-o", tmp_path / "out")
    assert (result.returncode, result.stderr) == (0, "")
    assert Path(result.stdout.strip()).is_file()


def test_a_pipe_is_read_for_a_time_and_up_to_a_size(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regular_file, "MOST_BYTES", 1 << 20)
    with ThreadPoolExecutor() as other:
        other.submit(pipe.write_bytes, bytes((1 << 20) + 1))
        with pytest.raises(OSError, match="it has more than the limit of 1 MiB"):
            regular_file.read_small_or_pipe(pipe)
    monkeypatch.setattr(regular_file, "_SECONDS_FOR_PIPE", 0.0)
    with pytest.raises(TimeoutError, match="it is a pipe, whose end has not come within 0 s"):
        regular_file.read_small_or_pipe(pipe)  # nobody writes


def test_an_audit_trail_may_be_a_pipe_but_only_one_that_somebody_reads(folder: Path) -> None:
    """As ``/dev/stdout`` of a container is."""
    result = igtlmeta(*SERVE, "--audit", folder / "pipe")
    assert (result.returncode, result.stdout) == (1, "")
    assert f"'{folder / 'pipe'}' cannot be written: it is a pipe that nobody reads" in result.stderr


def test_the_output_of_a_service_is_a_socket_which_is_no_file(folder: Path) -> None:
    """As ``/dev/stdout`` of a systemd unit is, whose output goes to the journal."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "journal"))
        with pytest.raises(AuditError, match=r"it is a socket, .*; use --audit-syslog"):
            AuditFile(folder / "journal")


def test_who_reads_the_audit_trail_no_more_does_not_hold_the_server(folder: Path) -> None:
    """It would have all clients wait for ever; without the trail, nothing is served."""
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with closing(AuditFile(folder / "pipe")) as trail:
            trail.write("one")
            assert os.read(reader, 100) == b"one\n"
            with pytest.raises(AuditError, match="whoever has it open reads it no more"):
                trail.write("more than a pipe holds" * 100_000)
    finally:
        os.close(reader)
