"""``igtlmeta record`` and ``replay``: from a server to a file, and back."""

from __future__ import annotations

import json
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli import forked
from cli.command import (
    check_ended_quietly,
    ended,
    forked_from_imported,
    igtlmeta,
    serving,
    started_until,
)
from helpers.certificates import Authority
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.recording.recording import Event, RecordingWriter, read_recording


@contextmanager
def listening(*arguments: object) -> Iterator[tuple[forked.Running, str]]:
    with forked_from_imported(*arguments, "--port", "0") as process:
        line = process.stdout.readline()
        assert " on 127.0.0.1:" in line, f"{line!r}; {ended(process)[2]}"
        yield process, line.split()[-1]


def test_a_recorded_server_lists_and_sends_what_it_did(demo_address: str, tmp_path: Path) -> None:
    file = tmp_path / "device.igtl"
    with listening("record", demo_address, "-o", file) as (process, address):
        listed = igtlmeta("list", address, "--json").stdout
        igtlmeta("fetch", address, "DEMO_CT", "-o", tmp_path / "first")
        process.send_signal(signal.SIGINT)
        code, _, err = ended(process)
    assert code == 0
    assert re.search(r"[1-9]\d* connections recorded in ", err)
    with listening("replay", file, "--speed", "100") as (process, address):
        assert igtlmeta("list", address, "--json").stdout == listed
        assert igtlmeta("fetch", address, "DEMO_CT", "-o", tmp_path / "again").returncode == 0
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    first, again = (tmp_path / name / "DEMO_CT.nrrd" for name in ("first", "again"))
    assert first.read_bytes().partition(b"\n\n")[2] == again.read_bytes().partition(b"\n\n")[2]


def test_deidentified(demo_address: str, tmp_path: Path) -> None:
    file = tmp_path / "device.igtl"
    with listening("record", demo_address, "-o", file, "--deidentify") as (process, address):
        assert "Sheplogan" in igtlmeta("list", address, "--json").stdout
        process.send_signal(signal.SIGINT)
        ended(process)
    with listening("replay", file, "--speed", "100") as (_, address):
        items = json.loads(igtlmeta("list", address, "--json").stdout)
    assert len(items) == 3
    assert "Sheplogan" not in json.dumps(items)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "module",
    ["IGTLMetaBrowserLib.cli.serving_options", "IGTLMetaBrowserLib.net.recording.recorder"],
)
@pytest.mark.parametrize("command", ["record", "replay"])
def test_they_end_cleanly_before_they_are_ready(
    command: str, module: str, number: signal.Signals, demo_address: str, tmp_path: Path
) -> None:
    """Also while the command's modules are loaded."""
    file = tmp_path / "device.igtl"
    words = [demo_address, "-o", file]
    if command == "replay":
        writer, words = RecordingWriter(file), [file]
        writer.write(Event.CONNECTED, 1)
        writer.write(Event.CLIENT_SENT, 1, codec.pack(codec.GetMessage("IMGMETA")))
        writer.close()
    with started_until(module, command, *words, "--port", "0") as process:
        process.send_signal(number)
        check_ended_quietly(process, 0)


def test_files_that_cannot_be_are_named(demo_address: str, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("")
    result = igtlmeta("record", demo_address, "-o", tmp_path / "there")
    assert (result.returncode, "there is one already" in result.stderr) == (1, True)
    result = igtlmeta("replay", tmp_path / "there")
    assert (result.returncode, "is not a recording" in result.stderr) == (1, True)
    taken = demo_address.rpartition(":")[2]
    result = igtlmeta("record", demo_address, "-o", tmp_path / "new", "--port", taken)
    assert (result.returncode, "choose another --host, or --port" in result.stderr) == (1, True)
    assert not (tmp_path / "new").exists()  # so that it can be called again


def test_a_recording_that_takes_more_memory_than_it_may_is_refused(
    demo_address: str, tmp_path: Path
) -> None:
    file = tmp_path / "device.igtl"
    with listening("record", demo_address, "-o", file, "--max-size", "1G") as (process, address):
        igtlmeta("fetch", address, "DEMO_CT", "-o", tmp_path)
        process.send_signal(signal.SIGINT)
        assert ended(process)[0] == 0
    result = igtlmeta("replay", file, "--max-size", "1M")
    assert result.returncode == 1
    assert "more than the limit of 1 MiB of memory" in result.stderr


def test_a_full_disk_ends_it_in_words_and_the_file_has_all_up_to_there(
    demo_address: str, tmp_path: Path
) -> None:
    """Here a limit on the size of files is what the disk would be."""
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system limits no files of other processes")
    file = tmp_path / "device.igtl"
    with listening("record", demo_address, "-o", file) as (process, address):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
        assert igtlmeta("fetch", address, "DEMO_CT", "-o", tmp_path).returncode == 1
        code, _, err = ended(process)
    assert (code, err.count("\n")) == (1, 1)
    assert re.search("cannot be written: files may not become so large there; raise the limit", err)
    records = list(read_recording(file))
    assert file.stat().st_size == 100_000
    assert sum(len(record.data) for record in records) > 50_000


def test_a_recording_of_a_killed_recorder_is_replayed_up_to_there(
    demo_address: str, tmp_path: Path
) -> None:
    file = tmp_path / "device.igtl"
    with listening("record", demo_address, "-o", file) as (process, address):
        listed = igtlmeta("list", address, "--json").stdout
        process.kill()
        ended(process)
    with listening("replay", file, "--speed", "100") as (_, address):
        assert igtlmeta("list", address, "--json").stdout == listed


def test_other_computers_are_warned_of_with_the_options_of_this_command(tmp_path: Path) -> None:
    result = igtlmeta("record", "127.0.0.1", "-o", tmp_path / "a", "--host", "0.0.0.0")
    assert result.returncode == 2
    assert "add --allow-remote, preferably with --listen-cert and --allow" in result.stderr


@pytest.mark.parametrize("command", ["record", "replay"])
def test_a_key_alone_is_no_tls(tmp_path: Path, command: str) -> None:
    """Who gives it believes that nobody can read along."""
    file = tmp_path / "device.igtl"
    words = ["127.0.0.1", "-o", file] if command == "record" else [file]
    result = igtlmeta(command, *words, "--listen-key", tmp_path / "key.pem")
    assert result.returncode == 2
    assert "--listen-key requires --listen-cert" in result.stderr


def test_files_of_tls_are_read_before_anybody_is_listened_to(tmp_path: Path) -> None:
    file = tmp_path / "device.igtl"
    result = igtlmeta("record", "127.0.0.1", "-o", file, "--tls-ca", tmp_path / "none.pem")
    assert result.returncode == 1
    assert "none.pem' cannot be read: No such file" in result.stderr
    assert not file.exists()


def test_with_tls_at_both_ends(tmp_path: Path) -> None:
    """Towards the server as a client, and towards clients as a server; the file is readable."""
    authority = Authority.make(tmp_path / "authority")
    certificate = authority.issue("127.0.0.1")
    file = tmp_path / "device.igtl"
    trusting = ("--tls-ca", authority.file)
    listen = ("--listen-cert", certificate)
    with (
        serving("--demo", "--port", "0", "--tls-cert", certificate) as (_, _, server),
        listening("record", server, "-o", file, *trusting, *listen) as (process, address),
    ):
        listed = igtlmeta("list", address, "--json", *trusting).stdout
        assert igtlmeta("fetch", address, "DEMO_CT", "-o", tmp_path, *trusting).returncode == 0
        assert igtlmeta("list", address).returncode == 1  # without TLS
        process.send_signal(signal.SIGINT)
        ended(process)
    assert len(json.loads(listed)) == 3
    with listening("replay", file, "--speed", "100", *listen) as (_, address):
        assert igtlmeta("list", address, "--json", *trusting).stdout == listed
    with listening("replay", file, "--speed", "100") as (_, address):
        assert igtlmeta("list", address, "--json").stdout == listed


def test_a_false_server_is_not_recorded(tmp_path: Path) -> None:
    authority, other = (Authority.make(tmp_path / name) for name in ("authority", "other"))
    certificate = other.issue("127.0.0.1")
    with (
        serving("--demo", "--port", "0", "--tls-cert", certificate) as (_, _, server),
        listening("record", server, "-o", tmp_path / "f", "--tls-ca", authority.file) as (
            process,
            address,
        ),
    ):
        assert igtlmeta("list", address).returncode == 1
        process.send_signal(signal.SIGINT)
        assert "its certificate is not trusted" in ended(process)[2]
