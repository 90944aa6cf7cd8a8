"""What is typed: addresses, options, and what is said about wrong ones (exit code 2)."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from cli.command import COMMAND, SECONDS, environment, igtlmeta
from IGTLMetaBrowserLib.cli import main
from IGTLMetaBrowserLib.cli.archive_options import default_cache, open_archive_source
from IGTLMetaBrowserLib.cli.parser import size_of
from IGTLMetaBrowserLib.cli.serve import _open_index
from IGTLMetaBrowserLib.net.source import SourceError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost", ("localhost", 18944)),
        ("localhost:1", ("localhost", 1)),
        ("10.0.0.7:65535", ("10.0.0.7", 65535)),
        ("[::1]", ("::1", 18944)),
        ("[fe80::1%eth0]:18945", ("fe80::1%eth0", 18945)),
    ],
)
def test_an_address_is_a_host_and_perhaps_a_port(text: str, address: tuple[str, int]) -> None:
    assert main._parse(["list", text]).address == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is not HOST, HOST:PORT or [IPv6]:PORT"),
        (":18944", "':18944' is not HOST"),
        ("localhost:", "'localhost:' is not HOST"),
        ("localhost:http", "'localhost:http' is not HOST"),
        ("localhost:-1", "'localhost:-1' is not HOST"),
        ("igtl://localhost", "'igtl://localhost' is not HOST"),
        ("::1", "'::1' is not HOST, HOST:PORT or [IPv6]:PORT"),
        ("[::1]18944", "'[::1]18944' is not HOST"),
        ("localhost:0", "has the port 0; ports are 1 to 65535"),
        ("localhost:65536", "has the port 65536; ports are 1 to 65535"),
        ("localhost:99999999999999999999", "is not HOST, HOST:PORT"),
    ],
)
def test_a_wrong_address_is_wrong_usage(
    text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main.main(["list", text])
    assert exit_info.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["copy"], "invalid choice: 'copy'"),
        (["list"], "the following arguments are required: HOST[:PORT]"),
        (["copy"], "see igtlmeta --help"),
        (["serve", "--demo", "--prot=1"], "unrecognized arguments: --prot=1; see igtlmeta serve -"),
        (["list", "h", "18945"], "unrecognized arguments: 18945; see igtlmeta list --help"),
        (["list", "h", "--tls-fingerprint", "ab:cd"], "'ab:cd' is no SHA-256 fingerprint"),
        (["list", "h", "--tls-fingerprint", ""], "'' is no SHA-256 fingerprint"),
        (["list", "h", "--timeout", "0"], "'0' is not a number of seconds above 0"),
        (["list", "h", "--timeout", "nan"], "'nan' is not a number of seconds above 0"),
        (["list", "h", "--timeout", "soon"], "'soon' is not a number of seconds above 0"),
        (["list", "h", "--max-size", "9" * 400], "is not a size such as 500M or 6G"),
        (["fetch", "h", "-o", "d"], "give the IDs of images, or --all"),
        (["fetch", "h", "A", "--all", "-o", "d"], "give the IDs of images, or --all"),
        (["fetch", "h", "A"], "the following arguments are required: -o/--output"),
        (["serve"], "give one of: a folder of DICOM files, an archive, --demo"),
        (["serve", "d", "--demo"], "give one of: a folder of DICOM files, an archive, --demo"),
        (["serve", "--demo", "--volumes"], "--volumes says what is in a folder"),
        (["serve", "d", "--port", "65536"], "'65536' is not a port"),
        (["serve", "--demo", "--host", ""], "'' is no address to listen on"),
        (["serve", "--demo", "--host", "127.0.0.1:18945"], "write it without its port"),
        (["serve", "--demo", "--host", "[::1]:18945"], "write it without its port"),
        (["serve", "--demo", "--host", "[::]"], "--host :: can be reached from other computers"),
        (["serve", "--demo", "--metrics", "0"], "ports are 1 to 65535"),
        (["serve", "--dicom", "A@h:1", "--aet", "A" * 17], "is no AE title: 1 to 16 characters"),
        (["serve", "--dicom", "A@h:1", "--aet", " "], "' ' is no AE title"),
        # As of a variable that is not set: not the current folder.
        (["serve", ""], "it is empty; name a file or a folder"),
        (["index", ""], "it is empty; name a file or a folder"),
        (["fetch", "h", "A", "-o", ""], "it is empty; name a file or a folder"),
    ],
)
def test_wrong_usage_is_explained(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main.main(arguments)
    assert exit_info.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", ["--filter=PatientID=1", "--days=7", "--modality=CT", "--most=5"]
)
@pytest.mark.parametrize("source", [["--demo"], ["d"], ["d", "--volumes"]])
def test_no_folder_is_served_whole_that_was_to_be_limited(
    source: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what an archive lists can be filtered: clients would see the other patients, too."""
    with pytest.raises(SystemExit) as exit_info:
        main.main(["serve", *source, option])
    assert exit_info.value.code == 2
    (option, *_) = option.split("=")
    assert f"only of an archive's images, not of other sources: {option}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "order", ["h A B -o d", "h -o d A B", "-o d h A B", "h A -o d --timeout 1"]
)
def test_ids_and_options_come_in_any_order(order: str) -> None:
    arguments = main._parse(["fetch", *order.split()])
    assert arguments.ids[0] == "A"
    assert str(arguments.output) == "d"


@pytest.mark.parametrize("command", [[], ["list"], ["fetch"], ["trajectories"], ["serve"]])
def test_each_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main.main([*command, "--help"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out.startswith(" ".join(["usage: igtlmeta", *command]))


@pytest.mark.parametrize(
    ("command", "seconds", "size"),
    [("list", "15", "2G"), ("fetch", "15", "2G"), ("probe", "3", "256M")],
)
def test_help_has_the_defaults_of_each_command(
    command: str, seconds: str, size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = main._parse([command, "h", *(["A", "-o", "d"] if command == "fetch" else [])])
    assert (arguments.timeout, arguments.max_size) == (float(seconds), size_of(size))
    with pytest.raises(SystemExit):
        main.main([command, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"for this time ({seconds});" in shown
    assert f"for example 6G ({size})" in shown


def test_the_list_of_commands_has_a_sentence_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    """What else there is to say of one is in its own help."""
    shown = {}
    for command in ([], ["probe"]):
        with pytest.raises(SystemExit):
            main.main([*command, "--help"])
        shown[tuple(command)] = " ".join(capsys.readouterr().out.split())
    assert "what is unusual about it. record " in shown[()]
    assert "what is unusual about it. The report " in shown["probe",]


def test_help_says_what_commands_do_without_pythons_docstrings() -> None:
    for name in ("", "1", "2"):
        result = igtlmeta("--help", PYTHONOPTIMIZE=name)
        assert "List the images that a server offers." in result.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", ["--help", "list --help", "--version"])
def test_help_that_nobody_reads_is_no_error_and_that_cannot_be_written_is_one(
    arguments: str, unbuffered: str
) -> None:
    reading, closed_pipe = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    results = []
    for output in (closed_pipe, full):
        result = subprocess.run(
            [*COMMAND, *arguments.split()],
            stdout=output,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
            env=environment(PYTHONUNBUFFERED=unbuffered),
        )
        os.close(output)
        results.append((result.returncode, result.stderr))
    words = "No space left on device; if the output goes to a file, check its disk"
    assert results == [(141, ""), (1, f"igtlmeta: {words}\n")]


def test_a_bug_report_can_say_which_version_it_is_about() -> None:
    result = igtlmeta("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.match(r"igtlmeta \S.*, Python 3\.\d+\.\d+, ", result.stdout)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--dicomweb", "http://127.0.0.1:9/d"], "--archive-user: set IGTLMETA_ARCHIVE_PASSWORD"),
        (["--dicom", "PACS@127.0.0.1:104"], "--archive-user is for --dicomweb"),
    ],
)
def test_no_archive_is_called_as_a_user_without_the_password_that_was_meant(
    options: list[str], words: str
) -> None:
    result = igtlmeta("serve", *options, "--archive-user", "doe")
    assert result.returncode == 2
    assert words in result.stderr


@pytest.mark.parametrize("text", ["CT,MR", "ct, mr", "CT MR", "CT\\MR"])
def test_modalities_are_told_apart_however_they_are_separated(text: str) -> None:
    """An archive would list nothing of the modality "CT MR", and nobody would know why."""
    arguments = ["serve", "--dicomweb", "http://127.0.0.1:9/d", "--modality", text]
    assert main._parse(arguments).modality == ["CT", "MR"]


def test_the_process_ends_with_code_2_after_wrong_usage() -> None:
    result = igtlmeta("list", "localhost:http")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("igtlmeta list: error: argument HOST[:PORT]")


def test_a_user_without_a_home_folder_needs_one_for_the_cache_of_an_archive_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a user who is only a number, as in some containers: no HOME, and no entry in passwd."""

    def no_entry(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for variable in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", no_entry)

    assert main._parse(["list", "localhost"]).address[0] == "localhost"
    _open_index(tmp_path, None).update()
    assert "set HOME or XDG_CACHE_HOME); for this run, the index" in capsys.readouterr().err
    arguments = main._parse(["serve", "--dicomweb", "http://127.0.0.1:9"])
    with pytest.raises(SourceError, match="XDG_CACHE_HOME, or give --archive-cache"):
        open_archive_source(arguments, 1, 0.01)


def test_a_cache_is_nowhere_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds names of patients."""
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert default_cache() == tmp_path / ".cache" / "igtlmeta"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert default_cache() == tmp_path / "own" / "igtlmeta"
