"""How much memory is left, by the system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from IGTLMetaBrowserLib.browser.downloads import free_memory

TOTAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_it_is_some_of_the_memory_that_there_is() -> None:
    free = free_memory.free_memory()
    assert free is not None
    assert 0 < free <= TOTAL


def test_it_is_what_can_be_had_without_others_being_written_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux says it in KiB; what is unused is less, as files that were read stay in memory."""
    said = tmp_path / "meminfo"
    said.write_text("MemTotal:  16000 kB\nMemFree:  100 kB\nMemAvailable:  3000 kB\n")
    monkeypatch.setattr(free_memory, "_MEMINFO", said)
    assert free_memory.free_memory() == 3000 * 1024


def test_where_the_system_does_not_say_it_half_of_the_memory_is_taken_for_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(free_memory, "_MEMINFO", tmp_path / "not there")
    assert free_memory.free_memory() == TOTAL // 2
