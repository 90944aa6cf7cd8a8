"""``igtlmeta serve`` in a process of its own, as a gateway to an archive (PACS)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence

from ... import net
from .command_process import CommandProcess

_READY = re.compile(r"^serving \d+ images on (\S+)$", re.MULTILINE)


class GatewayProcess(CommandProcess):
    """Serves an archive on a free port of this computer, to one client at a time.

    ``arguments`` of ``igtlmeta serve`` say which archive. It ends with this process, however that
    ends: its standard input closes then.
    """

    def __init__(
        self, python: str, arguments: Sequence[str], secrets: Mapping[str, str] | None = None
    ) -> None:
        self.address: tuple[str, int] | None = None
        """Host and port, as soon as it serves."""
        # Nobody else on this computer is to look into the archive with this user's password.
        options = ["--port", "0", "--max-clients", "1", "--end-with-stdin"]
        super().__init__(python, ["serve", *arguments, *options], secrets)

    def poll(self) -> None:
        """Look how it goes."""
        super().poll()
        if self.address is None and (ready := _READY.search(self.output)):
            self.address = net.parse_address(ready[1])

    def end(self) -> None:
        """Ask it to end; ``poll`` says when it has."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
