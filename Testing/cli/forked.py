"""Runs ``igtlmeta`` in forks of a process that has imported it: that saves the time of the imports.

Each has an environment, files for stdout and stderr, and an exit code of its own, as a command has.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path

from IGTLMetaBrowserLib.cli import main

_FORKING = multiprocessing.get_context("forkserver")
_PRELOADED = [__name__, "highdicom", "nrrd", "pydicom", "rich.progress", "rich.table"]
_PRELOADED += [f"{main.__package__}.{name}" for name in ("list", "fetch", "serve", "store")]


def run(
    arguments: Sequence[str], environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, as ``subprocess.run`` does, and with its errors."""
    _start_server(environment["PYTHONPATH"])
    with tempfile.TemporaryDirectory() as folder:
        out, err = files = Path(folder, "out"), Path(folder, "err")
        for file in files:
            file.touch()
        process = _FORKING.Process(target=_run, args=(arguments, dict(environment), files))
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["igtlmeta", *arguments], seconds)
        texts = out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        result = subprocess.CompletedProcess(arguments, process.exitcode, *texts)
        process.close()
    return result


def _start_server(path: str) -> None:
    """Start the process to fork, once. It looks for modules where the environment says."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([path, *sys.path])
    try:
        _FORKING.set_forkserver_preload(_PRELOADED)
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before


def _run(arguments: Sequence[str], environment: dict[str, str], files: tuple[Path, Path]) -> None:
    """Be the command."""
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
    sys.argv = ["igtlmeta", *arguments]
    sys.exit(main.main())
