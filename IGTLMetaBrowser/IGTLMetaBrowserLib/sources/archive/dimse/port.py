"""What comes to the port that an archive sends to (C-MOVE): from the archive, or from anybody else.

Whose a file is, its header says, which comes first: of one that nobody has asked for, no more is
kept in memory than that. pynetdicom would keep all of it, until it is asked what to do with it.

Who knows the UIDs of the series could send what it likes. But archives name the C-MOVE before each
file that they send for it (Move Originator Message ID, PS3.7 9.1.1.1.9), whose number is random
here. They need not, and one that has others send names another: so who does not know the number
fills no more memory than that of a large file, and nothing is taken of it beside who knows it.
"""

from __future__ import annotations

import secrets
import threading
import zlib
from io import BytesIO
from typing import Any
from weakref import WeakSet

SeriesKey = tuple[str, str]
"""The UIDs of a study and of a series in it."""

_STUDY, _SERIES = 0x0020000D, 0x0020000E
# Before them may stand a list of 60,000 other instances (PS3.3 C.12.1.1.3).
_LOOKED_AT = (1 << 20, 8 << 20)
_LONGEST_COMMAND = 64 << 10
# A CT in one file has 200 MB.
_LARGEST_UNNAMED = 1 << 30
_LAST_MESSAGE_ID = 0xFFFF
# A peer waits for an answer before it sends on, if nothing else was agreed (PS3.7 D.3.3.3).
_MOST_WAITING = 4


def series_in(start: bytes, syntax: Any, is_whole: bool) -> SeriesKey | None:
    """Return of which series a data set is, of which the beginning has come.

    None if that has not come yet; what a whole one does not say, is empty. ``syntax`` is its
    transfer syntax. Raises anything if it is broken, and perhaps if the rest is missing.
    """
    from pydicom.filereader import read_dataset

    if syntax.is_deflated:
        start = zlib.decompressobj(-zlib.MAX_WBITS).decompress(start, _LOOKED_AT[-1])
    behind = []

    def is_behind(tag: int, _vr: str | None, _length: int) -> bool:
        if tag > _SERIES:
            behind.append(tag)
        return tag > _SERIES

    found = read_dataset(
        BytesIO(start),
        syntax.is_implicit_VR,
        syntax.is_little_endian,
        stop_when=is_behind,
        specific_tags=[_STUDY, _SERIES],
    )
    if not (behind or is_whole):
        return None
    return str(found.get("StudyInstanceUID") or ""), str(found.get("SeriesInstanceUID") or "")


class MemoryLimit:
    """How much memory data sets may have together: ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._there: WeakSet[ArrivingDataSet] = WeakSet()

    def has(self, arriving: ArrivingDataSet, count: int) -> bool:
        """Whether a data set may become so many bytes longer."""
        with self._lock:  # each association has a thread
            self._there.add(arriving)
            return sum(one.tell() for one in self._there) + count <= self._size


class ArrivingDataSet(BytesIO):
    """A data set that comes piece by piece; of one that is not ``wanted``, the rest is let go.

    ``room`` is what it has to fit into, None if that does not matter.
    """

    def __init__(self, wanted: SeriesKey, syntax: Any, room: MemoryLimit | None) -> None:
        super().__init__()
        self._wanted = wanted
        self._syntax = syntax
        self._room = room
        self._looks = [*_LOOKED_AT]
        self.is_strange = False

    def write(self, piece: Any, /) -> int:
        """Add a piece."""
        if self._room is not None and not self._room.has(self, len(piece)):
            self.is_strange = True
        if self.is_strange:
            self.seek(0)
            self.truncate()
            return len(piece)
        count = super().write(piece)
        if self._looks and self.tell() >= self._looks[0]:
            del self._looks[0]
            self.is_strange = self._look()
        return count

    def _look(self) -> bool:
        try:
            found = series_in(self.getvalue(), self._syntax, is_whole=False)
        except Exception:  # what is missing may be all that is wrong with it
            found = None
        return not self._looks if found is None else found != self._wanted


class Port:
    """Keeps what is sent to it within limits, if it is not of the series that is ``wanted``.

    pynetdicom tells it of each PDU (``on_data``) and of each message (``on_message``).
    ``message_id`` is that of the C-MOVE.
    """

    def __init__(self, wanted: SeriesKey) -> None:
        self._wanted = wanted
        self.message_id = 1 + secrets.randbelow(_LAST_MESSAGE_ID)
        self._room = MemoryLimit(_LARGEST_UNNAMED)
        self._is_named = self._is_taken_unnamed = False

    @property
    def is_doubtful(self) -> bool:
        """Whether files were taken of those who know the number of the C-MOVE, and of others."""
        return self._is_named and self._is_taken_unnamed

    def is_asked_for(self, event: Any) -> bool:
        """Whether what a C-STORE has brought is of the series, and of who was asked for it."""
        is_of_series = self._is_of_series(event)
        if event.request.MoveOriginatorMessageID == self.message_id:
            self._is_named = True
            return is_of_series
        if is_of_series and not self._is_named:
            self._is_taken_unnamed = True
        return is_of_series and not self._is_named

    def _is_of_series(self, event: Any) -> bool:
        data_set = event.request.DataSet
        if getattr(data_set, "is_strange", False):
            return False
        try:
            syntax = event.context.transfer_syntax
            return series_in(data_set.getvalue(), syntax, is_whole=True) == self._wanted
        except Exception:  # a broken file raises anything
            return False

    def on_data(self, event: Any) -> None:
        """Look at a message of which a part has come, before the next is added to it."""
        message = event.assoc.dimse.message
        if message is None:
            return
        if message.encoded_command_set.tell() > _LONGEST_COMMAND:
            event.assoc.abort(block=False)
        elif message.data_set and not isinstance(message.data_set, ArrivingDataSet):
            accepted = {one.context_id: one for one in event.assoc.accepted_contexts}
            if message.context_id in accepted:
                syntax = accepted[message.context_id].transfer_syntax[0]
                named = message.command_set.get("MoveOriginatorMessageID")
                room = None if named == self.message_id else self._room
                arriving = ArrivingDataSet(self._wanted, syntax, room)
                arriving.write(message.data_set.getvalue())
                message.data_set = arriving

    def on_message(self, event: Any) -> None:
        """End an association by which more comes than is answered."""
        if event.assoc.dimse.msg_queue.qsize() > _MOST_WAITING:
            event.assoc.abort(block=False)
