"""What comes to the port that an archive sends to (C-MOVE): from the archive, or from anybody else.

Whose a file is, its header says, which comes first: of one that nobody has asked for, no more is
kept in memory than that. pynetdicom would keep all of it, until it is asked what to do with it.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

SeriesKey = tuple[str, str]
"""The UIDs of a study and of a series in it."""

_STUDY, _SERIES = 0x0020000D, 0x0020000E
# Before them may stand a list of 60,000 other instances (PS3.3 C.12.1.1.3).
_LOOKED_AT = (1 << 20, 8 << 20)
_LONGEST_COMMAND = 64 << 10
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


class ArrivingDataSet(BytesIO):
    """A data set that comes piece by piece; of one that is not ``wanted``, the rest is let go."""

    def __init__(self, wanted: SeriesKey, syntax: Any) -> None:
        super().__init__()
        self._wanted = wanted
        self._syntax = syntax
        self._looks = [*_LOOKED_AT]
        self.is_strange = False

    def write(self, piece: Any, /) -> int:
        """Add a piece."""
        if self.is_strange:
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
    """

    def __init__(self, wanted: SeriesKey) -> None:
        self._wanted = wanted

    def is_asked_for(self, event: Any) -> bool:
        """Whether what a C-STORE has brought is of the series."""
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
                arriving = ArrivingDataSet(self._wanted, syntax)
                arriving.write(message.data_set.getvalue())
                message.data_set = arriving

    def on_message(self, event: Any) -> None:
        """End an association by which more comes than is answered."""
        if event.assoc.dimse.msg_queue.qsize() > _MOST_WAITING:
            event.assoc.abort(block=False)
