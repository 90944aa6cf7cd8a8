"""Runs the real ``igtlmeta`` in processes of its own, and servers for it to talk to."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cli import forked
from helpers.peers import ScriptedServer
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.cli import main
from IGTLMetaBrowserLib.net.client import header_versions

PLAN = [
    {
        "name": "Left STN",
        "group": "",
        "type": "entry-target",
        "rgba": [255, 255, 0, 255],
        "entry": [30.0, 40.0, 50.0],
        "target": [10.0, -5.0, 2.0],
        "diameter": 2.5,
        "owner": "",
    }
]
"""One trajectory, as ``igtlmeta trajectories --json`` writes it."""

COMMAND = [sys.executable, "-m", "IGTLMetaBrowserLib.cli"]
IMPORT_ROOT = Path(__file__).resolve().parents[2] / "IGTLMetaBrowser"
SECONDS = 120
READY = re.compile(r"serving (\d+) images on (\S+)\n")
CACHE = tempfile.TemporaryDirectory()


def environment(**changes: str) -> dict[str, str]:
    """The environment for the command; ``changes`` named PYTHONPATH come before the code."""
    path = os.pathsep.join(filter(None, [changes.pop("PYTHONPATH", ""), str(IMPORT_ROOT)]))
    cache = {"XDG_CACHE_HOME": CACHE.name}  # not the developer's
    return {**os.environ, **cache, **changes, "PYTHONPATH": path}


def igtlmeta(*arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in a new process only if Python itself shall start otherwise."""
    if not any(name.startswith("PYTHON") for name in changes):
        return forked.run([*map(str, arguments)], environment(**changes), SECONDS)
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
        env=environment(**changes),
    )


def igtlmeta_here(server: ScriptedServer, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, with time-outs for which only the server's silence counts.

    It knows as little of servers as in a process of its own.
    """
    header_versions.known_servers.clear()
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    words = [*map(str, arguments)]
    with redirect_stdout(out), redirect_stderr(err), server.only_silence_counts():
        code = main.main(words)
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(words, code, *texts)


def open_terminal() -> tuple[int, int]:
    """Return the two ends of a pseudo-terminal, the screen and what the command writes to."""
    try:
        return pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal ({error}); mount one: mount -t devpts devpts /dev/pts")


@contextmanager
def started(
    *arguments: object,
    is_service: bool = False,
    before: Callable[[], None] = lambda: None,
    **changes: str,
) -> Iterator[subprocess.Popen[str]]:
    """Start the command, and end it with the block where it has not ended by itself.

    A service has no terminal. Its process calls ``before`` first.
    """

    def prepare() -> None:
        # Test runs in the background ignore Ctrl-C, and so would what they start.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        before()

    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(**changes),
        start_new_session=is_service,
        preexec_fn=prepare,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def forked_from_imported(*arguments: object) -> forked.Running:
    """Start the command where it has imported what it needs: not for what it does before that."""
    return forked.Running([*map(str, arguments)], environment())


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[forked.Running, int, str]]:
    """Run ``serve``; yield its process, how many images it serves, and where."""
    with forked_from_imported("serve", *arguments) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = READY.fullmatch(line)
        assert match, f"{line!r}; on stderr: {ended(process)[2]}"
        yield process, int(match[1]), match[2]


@contextmanager
def started_until(
    module: str, *arguments: object, is_service: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """Start the command, and go on as soon as Python has loaded a module, which stderr says.

    Not of one that ``importlib.import_module`` loads: its own are said. The command is ended, and
    the test fails, if it loads no such module.
    """
    changes = {"PYTHONPROFILEIMPORTTIME": "1"}
    with started(*arguments, is_service=is_service, **changes) as process:
        assert process.stderr is not None
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        is_loaded = any(line.split()[-1:] == [module] for line in process.stderr)
        watchdog.cancel()
        assert is_loaded, f"{module} was not loaded in {SECONDS} s"
        yield process


def check_ended_quietly(process: subprocess.Popen[str] | forked.Running, code: int) -> None:
    """The command ends with this exit code, and without a traceback."""
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    assert process.wait(SECONDS) == code


def ended(process: subprocess.Popen[str] | forked.Running) -> tuple[int, str, str]:
    """Wait for the end of the command; return its exit code, stdout and stderr."""
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


@dataclass
class Shelf:
    """A source that offers what a test puts on it."""

    items: list[codec.ImageMetaItem] = field(default_factory=list)
    messages: dict[str, codec.ImageMessage] = field(default_factory=dict)
    lines: list[codec.TrajectoryItem] = field(default_factory=list)

    def images(self) -> list[codec.ImageMetaItem]:
        return self.items

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id not in self.messages:
            raise net.SourceError(f"the shelf has no {image_id!r}")
        return self.messages[image_id]

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return self.lines


def shelf_of(*ids: str) -> Shelf:
    """A shelf with an image of one voxel for each id; the voxels are 0, 1, 2 ..."""
    items = [
        codec.ImageMetaItem(name=f"image {image_id}", id=image_id, size=(1, 1, 1))
        for image_id in ids
    ]
    voxels = (np.full((1, 1, 1), number, np.uint8) for number in range(len(ids)))
    return Shelf(items, {image_id: codec.ImageMessage(next(voxels)) for image_id in ids})


@contextmanager
def served(source: net.Source) -> Iterator[str]:
    """Serve a source in a thread; yield the server's address."""
    stop = threading.Event()
    with net.Server(source, port=0) as server:

        def serve() -> None:
            while not stop.is_set():
                server.step(0.05)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.port}"
        finally:
            stop.set()
            thread.join()


@contextmanager
def peer(script: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run ``script`` on each connection, one after the other; yield the peer's address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    script(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def say_nothing(connection: socket.socket) -> None:
    """A script: take what comes until the other side has enough of it."""
    while connection.recv(1024):
        pass
