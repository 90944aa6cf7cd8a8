"""Programs of this project run the modules of who started them, whatever else Python finds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from IGTLMetaBrowserLib.own_program import start_module


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_another_package_of_the_name_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, safe_path: str
):
    """As another version of the module in a Slicer that has two, or one that pip installed."""
    other = tmp_path / "IGTLMetaBrowserLib" / "cli"
    other.mkdir(parents=True)
    (other.parent / "__init__.py").touch()
    (other / "__init__.py").touch()
    (other / "__main__.py").write_text("print('another one')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSAFEPATH", safe_path)
    with start_module(
        sys.executable, "IGTLMetaBrowserLib.cli", ["--version"], stdout=subprocess.PIPE
    ) as process:
        printed, _ = process.communicate()
    assert printed.startswith(b"igtlmeta ")
