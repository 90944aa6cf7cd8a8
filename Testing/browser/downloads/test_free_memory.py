"""How much memory is left, by the system."""

from __future__ import annotations

import os

from IGTLMetaBrowserLib.browser.downloads.free_memory import free_memory


def test_it_is_some_of_the_memory_that_there_is() -> None:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = free_memory()
    assert free is not None
    assert 0 < free <= total
