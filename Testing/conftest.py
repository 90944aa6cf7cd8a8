"""What all tests share."""

from __future__ import annotations

import gc
import os

# Tests never open windows on the display of whoever runs them. Qt reads this when it starts.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Before any test imports PySide6: the enums become ints then, as they are in Slicer.
import pytest

import slicerhost  # noqa: F401
from IGTLMetaBrowserLib.net import header_versions


def pytest_collection_finish() -> None:
    """Spare the garbage collector the modules and the thousands of tests: they stay to the end.

    The fixture `slicer_host` collects after each test, which took longer than most of those.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_server_is_known() -> None:
    """Let no test know which header version another test's server spoke on the same port."""
    header_versions.forget_servers()
