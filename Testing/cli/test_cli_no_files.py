"""Pipes and devices where files are named: they are not waited for, and not read for ever."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cli.command import igtlmeta, served, shelf_of
from helpers.certificates import Authority
from IGTLMetaBrowserLib.net.server.audit import AuditError, AuditFile

SERVE = ["serve", "--demo", "--port", "0"]
READ = [
    [*SERVE, "--tls-cert"],
    [*SERVE, "--tls-cert", "own.pem", "--tls-key"],
    [*SERVE, "--tls-cert", "own.pem", "--tls-client-ca"],
    [*SERVE, "--tls-cert", "own.pem", "--tls-client-ca", "ca.pem", "--tls-revoked"],
    [*SERVE, "--deidentify", "--deidentify-key"],
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
        trail = AuditFile(folder / "pipe")
        trail.write("one")
        assert os.read(reader, 100) == b"one\n"
        with pytest.raises(AuditError, match="whoever has it open reads it no more"):
            trail.write("more than a pipe holds" * 100_000)
    finally:
        os.close(reader)
