"""Modules of this project that run as programs of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_IMPORT_ROOT = Path(__file__).resolve().parents[1]
_SAFE_PATH = "PYTHONSAFEPATH"


def start_module(
    python: str,
    module: str,
    arguments: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Have the program ``python`` run a module, with more environment ``variables``; no window.

    It gets the module from where this one is, whatever PYTHONPATH says: from the current folder,
    which is not looked into with PYTHONSAFEPATH (Python 3.11). ``options`` are those of ``Popen``.
    Raises ``OSError``.
    """
    inherited = {name: text for name, text in os.environ.items() if name != _SAFE_PATH}
    return subprocess.Popen(
        [python, "-m", module, *arguments],
        cwd=_IMPORT_ROOT,
        env={**inherited, **(variables or {})},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        **options,
    )
