"""Runs ``igtlmeta`` in forks of a process that has imported it: that saves the time of the imports.

Each has an environment, files for stdout and stderr, and an exit code of its own, as a command has.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver
from pathlib import Path

from IGTLMetaBrowserLib.cli import main

_FORKING = multiprocessing.get_context("forkserver")
_PRELOADED = [__name__, "highdicom", "nrrd", "pydicom", "rich.progress", "rich.table"]
_COMMANDS = ("fetch", "index", "list", "probe", "record", "serve", "store", "trajectories")
_PRELOADED += [f"{main.__package__}.{name}" for name in _COMMANDS]
_PRELOADED += ["IGTLMetaBrowserLib.sources.dicom.folder", "IGTLMetaBrowserLib.sources.phantom"]


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


class Running:
    """A command that runs on, with what tests want of ``subprocess.Popen``."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        _start_server(environment["PYTHONPATH"])
        with tempfile.TemporaryDirectory() as folder:
            out, err = pipes = Path(folder, "out"), Path(folder, "err")
            for pipe in pipes:
                os.mkfifo(pipe)
            run = (arguments, dict(environment), pipes)
            self._process = _FORKING.Process(target=_run, args=run)
            self._process.start()
            # Each is opened when the other end is, too.
            self.stdout = out.open(encoding="utf-8")
            self.stderr = err.open(encoding="utf-8")
        self.pid = self._process.pid

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_error: object) -> None:
        """End it, as what it says is read no more."""
        self.kill()
        self._process.join()
        self.stdout.close()
        self.stderr.close()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("igtlmeta", timeout or 0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their ends, wait for that of the command, and return the texts."""
        with ThreadPoolExecutor(1) as executor:
            err = executor.submit(self.stderr.read)
            out = self.stdout.read()
        self.wait(timeout)
        return out, err.result()


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
    # Test runs in the background ignore Ctrl-C, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
    # Those of the process that forked know what can be done with its own files, as to seek.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = ["igtlmeta", *arguments]
    sys.exit(main.main())
