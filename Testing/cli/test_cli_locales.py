"""Systems whose texts are not UTF-8: ids are those of the server, and paths those of the disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nrrd
import pytest

from cli.command import COMMAND, SECONDS, environment, igtlmeta, served, shelf_of
from helpers.peers import TRAJECTORY

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def printed(*arguments: str | bytes | Path, **changes: str) -> list[bytes]:
    """Run the command, and return the lines that it prints, as bytes."""
    result = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env=environment(**changes),
    )
    assert (result.returncode, result.stderr) == (0, b"")
    return result.stdout.splitlines()


def test_an_id_is_the_servers_where_texts_are_ascii(tmp_path: Path) -> None:
    """Its letters were bytes one by one, and the image that came was not the one asked for."""
    with served(shelf_of("Gr\u00f6\u00dfe", "\u6771\u4eac")) as address:
        result = igtlmeta("fetch", address, "Gr\u00f6\u00dfe", "-o", tmp_path, **ASCII)
    assert (result.returncode, result.stderr) == (0, "")
    (file,) = map(Path, result.stdout.splitlines())
    assert nrrd.read(str(file))[0].tolist() == [[[0]]]


@pytest.mark.parametrize("changes", [{}, ASCII], ids=["UTF-8", "ASCII"])
@pytest.mark.parametrize("name", [b"\xc3\xbc", b"\xfc"], ids=["UTF-8", "Latin-1"])
def test_paths_are_printed_as_other_programs_open_them(
    tmp_path: Path, name: bytes, changes: dict[str, str]
) -> None:
    folder = os.fsencode(tmp_path) + b"/" + name
    shelf = shelf_of("A")
    shelf.lines.append(TRAJECTORY)
    with served(shelf) as address:
        paths = printed("fetch", address, "A", "-o", folder, **changes)
        plan = folder + b"/plan.mrk.json"
        paths += printed("trajectories", address, "-o", plan, **changes)
    assert paths == [folder + b"/A.nrrd", plan]
    assert all(os.path.exists(path) for path in paths)  # noqa: PTH110 - of bytes


def test_a_host_that_is_not_there_is_named_in_letters() -> None:
    result = igtlmeta("list", "Gro\u00dfrechner.invalid", **ASCII)
    assert result.returncode == 1
    assert r"the host name 'Gro\xdfrechner.invalid' is not known: " in result.stderr
    assert "idna" not in result.stderr
