"""``igtlmeta trajectories -o plan.mrk.json``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.command import Shelf, igtlmeta, served
from IGTLMetaBrowserLib.codec import TrajectoryItem

LINE = TrajectoryItem(name="Biopsy", entry=(1.0, 2.0, 3.0), target=(4.0, 5.0, 6.0))


def names(path: Path) -> list[str]:
    return [markup["name"] for markup in json.loads(path.read_text(encoding="utf-8"))["markups"]]


def test_it_writes_the_file_and_prints_its_path(tmp_path: Path) -> None:
    path = tmp_path / "plan.mrk.json"
    with served(Shelf(lines=[LINE, replace(LINE, name="Drain")])) as address:
        result = igtlmeta("trajectories", address, "-o", path)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{path}\n", "")
    assert names(path) == ["Biopsy", "Drain"]


def test_what_slicer_cannot_show_is_complained_of_and_the_others_are_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "plan.mrk.json"
    with served(Shelf(lines=[replace(LINE, name="Odd", type=7), LINE])) as address:
        result = igtlmeta("trajectories", address, "-o", path)
    assert result.returncode == 1
    assert result.stderr.startswith("igtlmeta: the trajectory 'Odd' has the type 7; ")
    assert names(path) == ["Biopsy"]


def test_a_file_that_cannot_be_written_is_one_line_on_stderr(tmp_path: Path) -> None:
    path = tmp_path / "none" / "plan.mrk.json"
    with served(Shelf(lines=[LINE])) as address:
        result = igtlmeta("trajectories", address, "-o", path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "plan.mrk.json' cannot be written: No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "plan.json"], "'plan.json' does not end in .mrk.json, by which Slicer knows"),
        (["-o", "plan.mrk.json", "--json"], "not allowed with argument"),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], words: str) -> None:
    result = igtlmeta("trajectories", "localhost", *arguments)
    assert result.returncode == 2
    assert words in result.stderr
