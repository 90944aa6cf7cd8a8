"""The audit trail of a server: who listed and fetched what, when and from where.

A line of JSON for each event, with the field names and codes of the DICOM audit trail (PS3.15,
A.5). There are ids of images in it, as clients asked for them, and no names of patients. A byte of
theirs that is not UTF-8 is written as the four characters ``\\xNN``: a lone surrogate is valid JSON
(RFC 8259, 8.2), and yet many programs refuse the whole line.

========================  ======================================  ==============================
what happened             EventID                                 EventTypeCode
========================  ======================================  ==============================
the server begins, ends   110100 Application Activity             110120 Start, 110121 Stop
a client comes, leaves    110114 User Authentication              110122 Login, 110123 Logout
an image, a part or a     110104 DICOM Instances Transferred
thumbnail of it was sent
another query answered    110112 Query
a client sent something   110107 Import
anything was refused      110113 Security Alert
========================  ======================================  ==============================

Nobody fills the disk with it. Of an image that is sent to somebody again and again, the first time
of each minute is written at once; how often it was sent again stands in one line when the minute is
over, with the sum of bytes and seconds. Of all else, 60 events a minute of one kind and address are
written, and then how many more there were; besides, the first of each type of message that somebody
has asked for or sent, a thousand of these: sixty harmless queries do not hide that plans were
fetched.
"""

from __future__ import annotations

import errno
import io
import json
import logging
import logging.handlers
import os
import select
import socket
import stat
import sys
from collections import deque
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from ...system_errors import why_not_written, with_advice
from ...utf8 import utf8
from ..address import format_address
from ..limited_log import LinesPerMinute
from ..limits import origin_of
from .events import ServerEvent, ServerEventType
from .repeated_transfers import RepeatedTransfers

_EVENTS_PER_MINUTE = 60
# Of a minute, of all addresses together: an attacker can have very many of them.
_MOST_FIRST = 1000
# A pipe's reader that is busy catches up; one that hangs must not have all clients wait for ever.
_PIPE_SECONDS = 5
# With each event: of 100,000 thumbnails that were fetched twice, all at once would take seconds.
_REPEATED_AT_ONCE = 10
# What shows voxels.
_IMAGE_TYPES = ("IMAGE", "IMGPART", "IMGTHUMB")
# Codes of the DICOM dictionary (PS3.16, CID 400 and 401) for the events of PS3.15 A.5.3.
_APPLICATION = ("110100", "Application Activity")
_START, _STOP = ("110120", "Application Start"), ("110121", "Application Stop")
_AUTHENTICATION = ("110114", "User Authentication")
_TRANSFERRED = ("110104", "DICOM Instances Transferred")
_QUERY = ("110112", "Query")
_IDS = {
    ServerEventType.CONNECTED: _AUTHENTICATION,
    ServerEventType.DISCONNECTED: _AUTHENTICATION,
    ServerEventType.ANSWERED: _QUERY,
    ServerEventType.RECEIVED: ("110107", "Import"),
    ServerEventType.REFUSED: ("110113", "Security Alert"),
    ServerEventType.UNREADABLE: ("110113", "Security Alert"),
}
# What the lines that are left out are called; which of them are counted together.
_WORDS = {
    ServerEventType.CONNECTED: "logins",
    ServerEventType.DISCONNECTED: "logouts",
    ServerEventType.ANSWERED: "queries",
    ServerEventType.RECEIVED: "imports",
    ServerEventType.REFUSED: "refusals",
    ServerEventType.UNREADABLE: "refusals",
}
_TYPES = {
    ServerEventType.CONNECTED: ("110122", "Login"),
    ServerEventType.DISCONNECTED: ("110123", "Logout"),
}
# EventActionCode: Create, Read, Execute. EventOutcomeIndicator: success, minor failure.
_ACTIONS = {ServerEventType.RECEIVED: "C", ServerEventType.ANSWERED: "R"}
_SUCCESS, _MINOR_FAILURE = 0, 4
_IP_ADDRESS = 2  # NetworkAccessPointTypeCode
_SYSTEM_OBJECT, _QUERY_ROLE, _REPORT_ROLE = 2, 24, 3  # ParticipantObjectTypeCode, …Role
# Facility 10, security/authorization, as RFC 5424 and PS3.15 A.6 have it for audit messages.
_FACILITY = logging.handlers.SysLogHandler.LOG_AUTHPRIV


class AuditError(Exception):
    """The audit trail cannot be written; the text says why, and what to try."""


class Destination(Protocol):
    """Where the lines go."""

    def write(self, line: str) -> None:
        """Write a line without its end. Raises ``AuditError``."""
        ...

    def reopen(self) -> None:
        """Begin anew where the destination is by now. Raises ``AuditError``."""
        ...

    def close(self) -> None:
        """Nothing more is written."""
        ...


class AuditFile:
    """A file, to whose end lines are written; who may read it is up to its folder.

    A file that was moved away or removed, as logrotate does, is made anew. It may be a pipe that
    somebody reads, as ``/dev/stdout`` of a container is. Raises ``AuditError`` if it cannot be
    written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._open()

    def write(self, line: str) -> None:
        """Write a line, through to the system: it is there when this process is gone."""
        try:
            if not self._is_in_place():
                self.reopen()
            data = (line + "\n").encode()
            while data:
                data = data[self._write_some(data) :]
        except OSError as error:
            raise self._error(error) from None

    def reopen(self) -> None:
        """Write to the file that has the path by now; if there is none, it is made."""
        moved, self._file = self._file, self._open()
        moved.close()

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()

    def _write_some(self, data: bytes) -> int:
        """Return how much of it was written: not all if the disk is just full, or the pipe."""
        if (count := self._file.write(data)) is not None:
            return count
        readers = select.poll()
        readers.register(self._file, select.POLLOUT)
        if not readers.poll(_PIPE_SECONDS * 1000):
            raise OSError(errno.EPIPE, "it is a pipe, and whoever has it open reads it no more")
        return 0

    def _open(self) -> io.FileIO:
        try:
            return io.FileIO(self._path, "a", opener=_open_at_once)
        except OSError as error:
            raise self._error(error) from None

    def _is_in_place(self) -> bool:
        """Return whether what is written is found under the path."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def _error(self, error: OSError) -> AuditError:
        words = why_not_written(error, self._path, "the audit trail")
        return AuditError(f"{words}. Nothing is served without it")


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, as an opener of Python's, without waiting until somebody reads a pipe."""
    try:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        is_socket = stat.S_ISSOCK(Path(path).stat().st_mode)
        why = "it is a socket, as a service's output is; use --audit-syslog"
        raise OSError(errno.ENXIO, why if is_socket else "it is a pipe that nobody reads") from None


class Syslog(logging.handlers.SysLogHandler):
    """The system's log: its socket's path, or host and port of a syslog server (UDP)."""

    def __init__(self, address: str | tuple[str, int]) -> None:
        try:
            super().__init__(address, _FACILITY, socket.SOCK_DGRAM)
        except OSError as error:
            reason = with_advice(error, "check whether it is running")
            raise AuditError(f"no syslog at {_named(address)}: {reason}") from None

    def write(self, line: str) -> None:
        """Send a line; a datagram over the network can be lost without a word."""
        self.emit(logging.LogRecord("audit", logging.INFO, "", 0, line, None, None))

    def reopen(self) -> None:
        """Nothing is to be done: syslog itself has the files."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do not go on as if it had been written."""
        error = sys.exc_info()[1]
        reason = with_advice(error or OSError(), "check whether it is running")
        words = f"syslog at {_named(self.address)} takes no lines: {reason}"
        raise AuditError(f"{words}. Nothing is served without it")


def _named(address: str | tuple[str, int]) -> str:
    return address if isinstance(address, str) else format_address(*address)


class AuditTrail:
    """Writes the events of the server called ``source_id`` to ``destinations``; an observer."""

    def __init__(self, source_id: str, *destinations: Destination) -> None:
        self._source_id = source_id
        self._destinations = destinations
        self._lines = {words: LinesPerMinute(_EVENTS_PER_MINUTE) for words in _WORDS.values()}
        self._transfers = RepeatedTransfers()
        self._types: set[tuple[Any, ...]] = set()  # of which the minute has an event
        # Of the last minute, what is still to be written.
        self._repeated: deque[tuple[int, ServerEvent]] = deque()

    def started(self) -> None:
        """The server begins."""
        self._write(self._event(_APPLICATION, _START, "E"), [])

    def stopped(self) -> None:
        """The server ends."""
        self._write_left_out()
        self._write_repeated(len(self._repeated))
        self._write(self._event(_APPLICATION, _STOP, "E"), [])
        for destination in self._destinations:
            destination.close()

    def reopen(self) -> None:
        """Begin new files if those of before were moved away. Raises ``AuditError``."""
        for destination in self._destinations:
            destination.reopen()

    def __call__(self, event: ServerEvent) -> None:
        """Write an event. Raises ``AuditError``."""
        event = _in_unicode(event)
        if event.type is ServerEventType.DISCONNECTED and not event.was_let_in:
            return  # it never logged in, and its refusals are written, as many as are to be
        if any(lines.is_over for lines in self._lines.values()):
            self._write_left_out()
        self._write_repeated(_REPEATED_AT_ONCE)
        if _is_transfer(event):
            if self._transfers.is_first(event):
                self._write_event(event)
        elif self._is_first_of_type(event) or self._lines[_WORDS[event.type]].may_write(event.host):
            self._write_event(event)

    def _is_first_of_type(self, event: ServerEvent) -> bool:
        """Whether somebody got, or sent, a type of message for the first time in this minute."""
        key = (event.type, origin_of(event.host), event.certificate, event.data_type)
        if event.type not in _ACTIONS or key in self._types or len(self._types) >= _MOST_FIRST:
            return False
        self._types.add(key)
        return True

    def _write_event(self, event: ServerEvent, words: str = "") -> None:
        is_refusal = event.type in (ServerEventType.REFUSED, ServerEventType.UNREADABLE)
        event_id = _TRANSFERRED if _is_transfer(event) else _IDS[event.type]
        outcome = _MINOR_FAILURE if is_refusal else _SUCCESS
        fields = self._event(
            event_id, _TYPES.get(event.type), _ACTIONS.get(event.type, "E"), outcome
        )
        if words or event.reason:
            fields["EventOutcomeDescription"] = words or event.reason
        self._write(fields, [_participant(event)], _objects(event))

    def _write_repeated(self, most: int) -> None:
        for _ in range(min(most, len(self._repeated))):
            count, event = self._repeated.popleft()
            self._write_event(event, f"sent {count} times more")

    def _write_left_out(self) -> None:
        self._types.clear()
        self._repeated += self._transfers.take()
        for event_type, words in _WORDS.items():
            outcome = _MINOR_FAILURE if event_type is ServerEventType.REFUSED else _SUCCESS
            for host, count in self._lines[words].begin():
                fields = self._event(_IDS[event_type], _TYPES.get(event_type), "E", outcome)
                fields["EventOutcomeDescription"] = f"{count} more {words} of {host} were left out"
                self._write(fields, [])

    def _event(
        self,
        event_id: tuple[str, str],
        type_code: tuple[str, str] | None,
        action: str,
        outcome: int = _SUCCESS,
    ) -> dict[str, Any]:
        fields = {
            "EventID": _coded(event_id),
            "EventActionCode": action,
            "EventDateTime": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "EventOutcomeIndicator": outcome,
        }
        return fields | ({} if type_code is None else {"EventTypeCode": [_coded(type_code)]})

    def _write(
        self,
        event: dict[str, Any],
        participants: list[dict[str, Any]],
        objects: list[dict[str, Any]] | None = None,
    ) -> None:
        server = {"UserID": self._source_id, "UserIsRequestor": False}
        line = json.dumps(
            {
                "EventIdentification": event,
                "ActiveParticipant": [*participants, server],
                "AuditSourceIdentification": {"AuditSourceID": self._source_id},
                "ParticipantObjectIdentification": objects or [],
            }
        )
        for destination in self._destinations:
            destination.write(line)


def _is_transfer(event: ServerEvent) -> bool:
    return event.type is ServerEventType.ANSWERED and event.data_type in _IMAGE_TYPES


def _in_unicode(event: ServerEvent) -> ServerEvent:
    texts = ("certificate", "data_type", "device_name", "reason")
    return replace(event, **{name: utf8(getattr(event, name)) for name in texts})


def _participant(event: ServerEvent) -> dict[str, Any]:
    address = format_address(event.host, event.port)
    return {
        "UserID": event.certificate or address,
        "AlternativeUserID": address,
        "UserIsRequestor": True,
        "NetworkAccessPointTypeCode": _IP_ADDRESS,
        "NetworkAccessPointID": event.host,
    }


def _objects(event: ServerEvent) -> list[dict[str, Any]]:
    """Return what was asked for or sent, if the event has that."""
    if not event.data_type:
        return []
    details = {"bytes": event.byte_count, "seconds": round(event.seconds, 3)}
    return [
        {
            "ParticipantObjectTypeCode": _SYSTEM_OBJECT,
            "ParticipantObjectTypeCodeRole": _REPORT_ROLE if _is_transfer(event) else _QUERY_ROLE,
            "ParticipantObjectIDTypeCode": event.data_type,
            "ParticipantObjectID": event.device_name,
            "ParticipantObjectDetail": [
                {"type": name, "value": str(value)} for name, value in details.items() if value
            ],
        }
    ]


def _coded(code: tuple[str, str]) -> dict[str, str]:
    value, meaning = code
    return {"csd-code": value, "codeSystemName": "DCM", "originalText": meaning}
