"""``igtlmeta serve`` in a process of its own, as a gateway to an archive (PACS).

In Slicer's own process a slow archive would stop the window: its libraries block, and threads
starve there. The process ends with this one, however that ends: its standard input closes then.
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

from .. import net

_MODULE = "IGTLMetaBrowserLib.cli"
_IMPORT_ROOT = Path(__file__).resolve().parents[2]
_READY = re.compile(r"^serving \d+ images on (\S+)$", re.MULTILINE)
_OWN_WORDS = re.compile(r"^igtlmeta: (.*)$", re.MULTILINE)
# What a window cannot do: "see --archive-user".
_OPTION_HINT = re.compile(r"[,;]? (see|or give it longer:) --[a-z-]+")
_MOST_READ = 65_536


class GatewayProcess:
    """Serves an archive on a free port of this computer, to one client at a time.

    ``python`` runs it, with ``arguments`` of ``igtlmeta serve`` that say which archive.
    ``secrets`` are environment variables of the process: its command line can be seen by others.
    Nothing waits here: call ``poll`` again and again. Raises ``OSError`` if it cannot be started.
    """

    def __init__(
        self, python: str, arguments: Sequence[str], secrets: Mapping[str, str] | None = None
    ) -> None:
        self.address: tuple[str, int] | None = None
        """Host and port, as soon as it serves."""
        self.exit_code: int | None = None
        """Set when it has ended."""
        self._folder = tempfile.TemporaryDirectory(prefix="igtlmetabrowser-")
        # Nobody else on this computer is to look into the archive with this user's password.
        options = ["--port", "0", "--max-clients", "1", "--end-with-stdin"]
        try:
            with self._file("out").open("wb") as out, self._file("err").open("wb") as err:
                self._process = subprocess.Popen(
                    [python, "-m", _MODULE, "serve", *arguments, *options],
                    stdin=subprocess.PIPE,
                    stdout=out,
                    stderr=err,
                    cwd=_IMPORT_ROOT,  # where Python finds the module, whatever PYTHONPATH says
                    env={**os.environ, **(secrets or {})},
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
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
        if self.exit_code is not None:
            return
        exit_code = self._process.poll()
        if self.address is None and (ready := _READY.search(self._text("out"))):
            self.address = net.parse_address(ready[1])
        if exit_code is not None:
            self.exit_code = exit_code

    @property
    def words(self) -> str:
        """The last that it has said of itself; empty if it has said nothing."""
        text = self._text("err")
        said = _OWN_WORDS.findall(text)
        words = said[-1] if said else next(reversed(text.strip().splitlines()), "")
        return _OPTION_HINT.sub("", words).strip()

    def end(self) -> None:
        """Ask it to end; ``poll`` says when it has."""
        if self.exit_code is None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def kill(self, seconds: float = 0.0) -> None:
        """End it, after it was given so many seconds to end itself. Nothing of it stays."""
        self.end()
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                # With the processes that decode for it.
                os.killpg(self._process.pid, signal.SIGKILL) if os.name == "posix" else None
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
