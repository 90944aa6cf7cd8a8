"""SECURITY.md: each defence names the tests that show it, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTING = Path(__file__).resolve().parent
TEXT = (TESTING.parent / "SECURITY.md").read_text(encoding="utf-8")
DEFENDED = TEXT.partition("## What is defended")[2].partition("\n## ")[0]
ROWS = [line for line in DEFENDED.splitlines() if line.startswith("| ")][1:]
NAMED = sorted({name for row in ROWS for name in re.findall("`([^`]+)`", row.split("|")[3])})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_a_defence_names_its_tests(row: str) -> None:
    threat, defence, tests = row.strip("| ").split(" | ")
    assert threat
    assert defence
    assert "`" in tests


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_exists(name: str) -> None:
    """A folder, a file, or a function in one."""
    path, _, function = name.partition("::")
    assert (TESTING / path).exists()
    if function:
        source = (TESTING / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {function}\(", source, re.MULTILINE)
    elif not (TESTING / path).is_dir():
        source = (TESTING / path).read_text(encoding="utf-8")
        assert "def test_" in source or ".TestCase" in source  # of hypothesis, a state machine
