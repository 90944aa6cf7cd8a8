"""The commands of README, docs and deploy/: they are there, and so are their options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from IGTLMetaBrowserLib.cli import main

TOP = Path(__file__).parents[2]
# In a block of commands, indented, perhaps on several lines; in a unit, with the path of a venv.
COMMAND = re.compile(
    r"^(?:ExecStart=\S*/| {4}| {4}demo-venv/bin/)igtlmeta ((?:.*\\\n)*.*)", re.MULTILINE
)


def documented() -> dict[str, list[str]]:
    """Return the words of each command by where it stands."""
    pages = [
        *TOP.glob("*.md"), *(TOP / "docs").glob("*.md"), *(TOP / "deploy").rglob("*.*")
    ]  # fmt: skip
    return {
        f"{page.name}: {command[1]}": shlex.split(command[1].replace("\\\n", " "))
        for page in pages
        for command in COMMAND.finditer(page.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("words", documented().values(), ids=documented())
def test_a_documented_command_is_understood(words: list[str]) -> None:
    assert callable(main._parse(words).run)


def test_they_are_found() -> None:
    names = " ".join(documented())
    assert all(page in names for page in ("README.md", "IGTLMETA.md", "igtlmeta.service"))
    assert len(documented()) >= 17
