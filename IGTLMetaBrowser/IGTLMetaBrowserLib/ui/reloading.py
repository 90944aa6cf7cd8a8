"""Reloading in developer mode: Slicer itself reloads the module's own file only."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_LIB = __name__.split(".")[0]


def reloadLib():
    """Import all of the Lib anew, each file after those that it imports itself.

    Where one of them has an error, the old ones stay, and the error is raised.
    """
    old = {name: module for name, module in sys.modules.items() if name.split(".")[0] == _LIB}
    for name in old:
        del sys.modules[name]
    importlib.invalidate_caches()
    try:
        for name, module in old.items():
            if Path(module.__file__).exists():  # it may have been removed since
                importlib.import_module(name)
    except Exception:
        sys.modules.update(old)
        raise
