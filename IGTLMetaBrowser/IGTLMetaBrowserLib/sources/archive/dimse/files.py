"""Files as they come from an archive by C-GET or C-MOVE: counted, and those of others refused."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ..archive import ArchiveError, BrokenOffError, Series, most_files
from .association import PENDING, Association, Peer
from .port import Port

_logger = logging.getLogger(__name__)

_SUCCESS, _NO_ROOM, _NOT_ASKED_FOR = 0x0000, 0xA700, 0xA900  # PS3.4 B.2.3
_WARNING = 0xB000  # all is done, some with failures or warnings (PS3.4 C.4.3.1.4)


class ReceivedFiles:
    """Takes the files of ``series`` from ``peer`` (C-STORE), and calls ``write`` with each.

    ``port`` is that which an archive sends to (C-MOVE), to which anybody can send. What is of
    another series is refused then.
    """

    def __init__(
        self,
        peer: Peer,
        series: Series,
        write: Callable[[Any], None],
        port: Port | None,
    ) -> None:
        self._peer = peer
        self._series = series
        self._write = write
        self._port = port
        self._most = most_files(series)
        self._lock = threading.Lock()
        self.count = 0
        self.said: int | None = None  # at the end, by the archive, if it says how many it has sent
        self.refused = 0
        self.failures: list[Exception] = []
        self._on_heard: Callable[[], None] = lambda: None

    def hear(self) -> None:
        """Have the association by which they were asked for not be taken for silent."""
        self._on_heard()

    def store(self, event: Any) -> int:
        """Handle a C-STORE of pynetdicom; return its status."""
        with self._lock:  # several may send at once, and each has a thread
            return self._store(event)

    def _store(self, event: Any) -> int:
        try:
            if self._port is not None and not self._port.is_asked_for(event):
                self.refused += 1
                _logger.warning(
                    "a file that was not asked for was refused, which %s has sent",
                    event.assoc.requestor.ae_title,
                )
                return _NOT_ASKED_FOR
            if self.count >= self._most:
                raise ArchiveError(
                    f"{self._peer.name} has sent {self.count} files of a series, and goes on; "
                    "nothing of it is used. Ask who runs the archive"
                )
            self._write(event.encoded_dataset())
            self.count += 1
            self.hear()
        except Exception as error:  # a full disk; whoever fetches is told
            self.failures.append(error)
            return _NO_ROOM
        return _SUCCESS

    def wait(self, association: Association, responses: Any, what: str) -> None:
        """Wait until all are there. Raises ``ArchiveError``."""
        # Whether it tells of its progress meanwhile, is an archive's choice (PS3.4 C.4.2.1.7).
        self._on_heard = association.hear
        end, count = self._peer.end(), self.count
        for status, _ in responses:
            if not status:
                raise self._failed() or association.no_answer(what)
            if status.Status not in PENDING:
                self._check_end(status, what)
                return
            if self.count > count:
                count, end = self.count, self._peer.end()
            if self.failures or time.monotonic() > end:
                association.abort()
                raise self._failed() or self._peer.endless(what)
        raise association.no_answer(what)

    def _failed(self) -> Exception | None:
        return self.failures[0] if self.failures else None

    def _check_end(self, status: Any, what: str) -> None:
        if self.failures:
            raise self.failures[0]
        failed = status.get("NumberOfFailedSuboperations") or 0
        if status.Status not in (_SUCCESS, _WARNING) or failed:
            raise ArchiveError(self._refusal(status, failed, what))
        if self._port is not None and self._port.is_doubtful:
            raise ArchiveError(
                f"somebody else than {self._peer.name} has sent files of the series, too; nothing "
                "of it is used. Fetch it again, or by C-GET (without --dicom-move)"
            )
        self.said = status.get("NumberOfCompletedSuboperations")
        completed = self.said or 0
        if self.count and self.count >= min(completed, self._series.count or completed):
            return
        raise self._less(completed, what)

    def _less(self, completed: int, what: str) -> ArchiveError:
        if self.refused:
            return ArchiveError(
                f"{self._peer.name} has sent {self.refused} files of another series than was asked "
                "for, or too large ones; nothing of it is used"
            )
        said = f"{self._peer.name} says that it has sent {completed} files by {what}"
        if self.count:
            return BrokenOffError(
                f"{said}, of which {self.count} have come; nothing of it is used. Fetch it again"
            )
        if self._port is not None:
            return ArchiveError(
                f"{said}, and none has come. List it again, and ask who runs the archive to which "
                f"host and port it sends for {self._peer.own_aet}"
            )
        return ArchiveError(f"{said}, and none has come; list it again")

    def _refusal(self, status: Any, failed: int, what: str) -> str:
        words = str(status.get("ErrorComment", ""))
        return (
            f"{self._peer.name} refuses a {what} with the status {status.Status:04X}H"
            + (f", {failed} files have failed" if failed else "")
            + (f": {words}" if words else "")
            + ". Ask who runs the archive whether it knows this AE title "
            f"({self._peer.own_aet}) and lets it have files"
            + (", or have them sent by C-MOVE, see --dicom-move" if what == "C-GET" else "")
        )
