"""``igtlmeta`` in a process of its own.

In Slicer's own process an archive would stop the window: its libraries block, and threads starve.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...own_program import start_module

_MODULE = "IGTLMetaBrowserLib.cli"
_OWN_WORDS = re.compile(r"^igtlmeta(?: \w+: error)?: (.*)$", re.MULTILINE)
# What a window cannot do: "see --archive-user".
_OPTION_HINT = re.compile(
    r"^argument --[a-z-]+: |[,;]? (see|or give it longer:) (igtlmeta \w+ )?--[a-z-]+"
)
_MOST_READ = 65_536


class CommandProcess:
    """Runs ``igtlmeta`` with ``arguments`` by the program ``python``.

    ``secrets`` are environment variables of the process: its command line can be seen by others.
    Nothing waits here: call ``poll`` again and again. Raises ``OSError`` if it cannot be started.
    """

    def __init__(
        self, python: str, arguments: Sequence[str], secrets: Mapping[str, str] | None = None
    ) -> None:
        self.exit_code: int | None = None
        """Set when it has ended."""
        self._folder = tempfile.TemporaryDirectory(prefix="igtlmetabrowser-")
        try:
            with self._file("out").open("wb") as out, self._file("err").open("wb") as err:
                self._process = start_module(
                    python,
                    _MODULE,
                    arguments,
                    secrets,
                    stdin=subprocess.PIPE,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
        except OSError:
            self._folder.cleanup()
            raise

    @property
    def process_id(self) -> int:
        """The number of the process."""
        return self._process.pid

    def poll(self) -> None:
        """Look how it goes."""
        if self.exit_code is None:
            self.exit_code = self._process.poll()

    @property
    def output(self) -> str:
        """What it has printed, the last 64 KB of it."""
        return self._text("out")

    @property
    def words(self) -> str:
        """The last that it has said of itself; empty if it has said nothing."""
        text = self._text("err")
        said = _OWN_WORDS.findall(text)
        words = said[-1] if said else next(reversed(text.strip().splitlines()), "")
        return _OPTION_HINT.sub("", words).strip()

    def kill(self, seconds: float = 0.0) -> None:
        """End it, after it was given so many seconds to end itself. Nothing of it stays."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._process.poll() is None:
            if hasattr(os, "killpg"):  # with the processes that decode for it
                with contextlib.suppress(OSError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
        self.exit_code = self._process.wait()
        self._folder.cleanup()

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / name

    def _text(self, name: str) -> str:
        try:
            with self._file(name).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _MOST_READ))
                return file.read().decode("utf-8", "replace")
        except OSError:  # it has been killed
            return ""
