"""A log that no client can flood."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import Protocol

_logger = logging.getLogger(__name__)

# Over which lines are counted, and after which it is said how many were left out.
_SECONDS = 60.0
# So that one who has many addresses gets no more lines than one who has a few.
_LINES_OF_ALL = 600
# An attacker has any number of IPv6 addresses; beyond these they are counted together.
_MOST_HOSTS = 1000


class LinesPerMinute:
    """Counts lines about hosts: so many of each may be written, those beyond are left out."""

    def __init__(self, of_each: int) -> None:
        self._of_each = of_each
        self._ends = time.monotonic() + _SECONDS
        self._written: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    @property
    def is_over(self) -> bool:
        """Whether the minute is over: ``begin`` another."""
        return time.monotonic() >= self._ends

    def may_write(self, host: str) -> bool:
        """Count a line about ``host``; return whether it may be written."""
        if self._written[host] < self._of_each and self._written.total() < _LINES_OF_ALL:
            self._written[host] += 1
            return True
        known = host in self._left_out or len(self._left_out) < _MOST_HOSTS
        self._left_out[host if known else "other addresses"] += 1
        return False

    def left_out(self, host: str) -> int:
        """Return how many lines about ``host`` were left out in this minute."""
        return self._left_out[host]

    def begin(self) -> list[tuple[str, int]]:
        """Begin to count anew; return of which hosts how many lines were left out, some of them."""
        left_out = self._left_out.most_common(self._of_each)
        self._written.clear()
        self._left_out.clear()
        self._ends = time.monotonic() + _SECONDS
        return left_out


class LimitedLog:
    """Writes so many lines a minute of each host, and then how many it has left out.

    INFO lines, which are written only if somebody asked for them, count like the others.
    """

    def __init__(self, logger: logging.Logger, lines_per_minute: int = 20) -> None:
        self._logger = logger
        self._lines = LinesPerMinute(lines_per_minute)

    def write(self, level: int, host: str, line: str, exc_info: bool = False) -> None:
        """Write a line about a client at ``host``, or count it.

        ``exc_info``: with the exception that is being handled.
        """
        if not self._logger.isEnabledFor(level):
            return
        if self._lines.is_over:
            self.begin_minute()
        if self._lines.may_write(host):
            self._logger.log(level, "%s", line, exc_info=exc_info)

    def begin_minute(self) -> None:
        """Say what was left out, and begin to count anew."""
        for host, count in self._lines.begin():
            self._logger.warning("%d more lines about %s were left out", count, host)


class LimitedModules(logging.Filter):
    """Of a handler: lets so many lines a minute of each module through, and counts the rest.

    What a source says of its files or its archive need not name who has asked for it, and can be
    said for each question. The lines of ``package``, which has limits of its own, all go through.
    """

    def __init__(self, package: str, lines_per_minute: int = 20) -> None:
        super().__init__()
        self._prefix = f"{package}."
        self._lines = LinesPerMinute(lines_per_minute)

    def filter(self, record: logging.LogRecord) -> bool:
        """Count a line; return whether it may be written."""
        if record.name.startswith(self._prefix):
            return True
        if self._lines.is_over:
            self.begin_minute()
        is_written = self._lines.may_write(record.name)
        # Else nobody would know of them until the next line after this minute: perhaps never.
        if not is_written and self._lines.left_out(record.name) == 1:
            _logger.warning("more lines of %s are left out in this minute", record.name)
        return is_written

    def begin_minute(self) -> None:
        """Say what was left out, and begin to count anew."""
        for name, count in self._lines.begin():
            _logger.warning("%d more lines of %s were left out", count, name)


class KnownClient(Protocol):
    """One about which lines are written: its numeric address, and that with its port."""

    @property
    def host(self) -> str: ...
    @property
    def address(self) -> str: ...


class ClientLog(LimitedLog):
    """Has warnings about clients, and is the journal of an ``Acceptor``."""

    def warn(self, client: KnownClient, words: str) -> None:
        """Write what is wrong with a client."""
        self.write(logging.WARNING, client.host, f"client {client.address}: {words}")

    turned_away = warn

    def left(self, _client: KnownClient, _reason: str) -> None:
        """Write nothing: why it had to is written already."""
