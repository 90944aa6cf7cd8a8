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
from typing import BinaryIO

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
    with tempfile.TemporaryDirectory() as folder:
        out, err = files = Path(folder, "out"), Path(folder, "err")
        for file in files:
            file.touch()
        process = Forked(arguments, environment, None, *files)
        try:
            code = process.wait(seconds)
        finally:
            process.close()
        texts = out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
    return subprocess.CompletedProcess(arguments, code, *texts)


class Forked:
    """A command with its files for stdin (perhaps), stdout and stderr, by their paths."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], *files: Path | None
    ) -> None:
        _start_server(environment["PYTHONPATH"])
        run = (arguments, dict(environment), files)
        self._process = _FORKING.Process(target=_run, args=run)
        self._process.start()
        self.pid = self._process.pid

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

    def close(self) -> None:
        """End it, if it has not ended by itself."""
        self.kill()
        self._process.join()


class Running(Forked):
    """A command that runs on, with what tests want of ``subprocess.Popen``."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            out, err = pipes = Path(folder, "out"), Path(folder, "err")
            for pipe in pipes:
                os.mkfifo(pipe)
            super().__init__(arguments, environment, None, *pipes)
            # Each is opened when the other end is, too.
            self.stdout = out.open(encoding="utf-8")
            self.stderr = err.open(encoding="utf-8")

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_error: object) -> None:
        """End it, as what it says is read no more."""
        self.close()
        self.stdout.close()
        self.stderr.close()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their ends, wait for that of the command, and return the texts."""
        with ThreadPoolExecutor(1) as executor:
            err = executor.submit(self.stderr.read)
            out = self.stdout.read()
        self.wait(timeout)
        return out, err.result()


class ForkedPopen(Forked):
    """A command as ``own_program.start_module`` starts it: with a pipe for stdin, and files."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        stdout: BinaryIO,
        stderr: BinaryIO,
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pipe = Path(folder, "in")
            os.mkfifo(pipe)
            super().__init__(arguments, environment, pipe, Path(stdout.name), Path(stderr.name))
            self.stdin = pipe.open("wb")


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


def _run(
    arguments: Sequence[str], environment: dict[str, str], files: tuple[Path | None, ...]
) -> None:
    """Be the command."""
    # Test runs in the background ignore Ctrl-C, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(files):
        if file is not None:
            os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND if number else os.O_RDONLY), number)
    # Those of the process that forked know what can be done with its own files, as to seek.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = ["igtlmeta", *arguments]
    sys.exit(main.main())
