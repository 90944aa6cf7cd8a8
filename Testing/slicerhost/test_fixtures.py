"""What the fixtures leave behind for the tests that follow."""

from __future__ import annotations

import importlib
import sys

from slicerhost.fixtures import restore_modules


def test_a_module_first_imported_by_a_test_that_reloads_can_be_imported_again(
    tmp_path, monkeypatch
):
    (tmp_path / "reloaded").mkdir()
    for name in ("__init__", "late"):
        (tmp_path / "reloaded" / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("reloaded")
    imported = dict(sys.modules)

    importlib.import_module("reloaded.late")
    for name in ("reloaded", "reloaded.late"):
        del sys.modules[name]
    importlib.import_module("reloaded.late")
    restore_modules(imported)

    assert sys.modules["reloaded"] is package
    assert "reloaded.late" not in sys.modules
    exec("from reloaded import late", {})
    assert "reloaded.late" in sys.modules
    del sys.modules["reloaded"], sys.modules["reloaded.late"]
