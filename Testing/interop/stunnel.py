"""stunnel, which puts TLS before programs that have none; as hospitals do."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.reserved_port import free_port

PROGRAM = shutil.which("stunnel4") or shutil.which("stunnel")
WHY_MISSING = "stunnel is not installed; on Debian and Ubuntu: sudo apt-get install stunnel4"
_PATIENCE = 60.0


@contextmanager
def running(folder: Path, target: int, *options: str) -> Iterator[int]:
    """Run stunnel from a free port to ``target``, both here; yield the port.

    ``options`` are those of its service, such as ``client = yes``.
    """
    port = free_port()
    lines = [
        "foreground = yes",
        "pid =",
        "debug = warning",
        "[openigtlink]",
        f"accept = 127.0.0.1:{port}",
        f"connect = 127.0.0.1:{target}",
        *options,
    ]
    file = folder / f"stunnel-{port}.conf"
    file.write_text("\n".join(lines) + "\n")
    with (folder / f"stunnel-{port}.log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, file], stdout=log, stderr=log)
    try:
        _wait_until_it_listens(process, port, folder / f"stunnel-{port}.log")
        yield port
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _wait_until_it_listens(process: subprocess.Popen, port: int, log: Path) -> None:
    # The attempt that succeeds is a client that leaves at once, to stunnel or who is behind it.
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"stunnel has ended:\n{log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise RuntimeError(f"stunnel does not listen:\n{log.read_text()}")
