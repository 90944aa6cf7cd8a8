"""Keeping patients' identity out of the log: while they are hidden, and of a de-identified server.

While they are hidden, what this package logs goes through a handler of its own, and from there to
where it would have gone.
"""

from __future__ import annotations

import copy
import logging

from .hidden_patients import HIDDEN, HiddenPatients

_PACKAGE = __name__.split(".", maxsplit=1)[0]
_logger = logging.getLogger(_PACKAGE)
# Who log of clients, but not of what is in files and archives.
_OF_CLIENTS = (f"{_PACKAGE}.net.", f"{_PACKAGE}.cli.")


class _CoveringHandler(logging.Handler):
    """Hands on what is logged, without what identifies the patients that are hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.patients: list[HiddenPatients] = []
        self._plain = logging.Formatter("%(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        redacted = copy.copy(record)
        redacted.exc_text = None
        text = self._plain.format(redacted)  # with the traceback, which has a message as well
        for patients in self.patients:
            text = patients.redact(text)
        redacted.msg, redacted.args = text, None
        redacted.exc_info = redacted.exc_text = redacted.stack_info = None
        logging.getLogger().handle(redacted)


_handler = _CoveringHandler()


def redact_log(patients: HiddenPatients) -> None:
    """Log nothing that identifies these patients, while hidden, until ``stop_redacting_log``."""
    if patients not in _handler.patients:
        _handler.patients.append(patients)
    _logger.addHandler(_handler)
    _logger.propagate = False


def stop_redacting_log(patients: HiddenPatients) -> None:
    """Log as usual, if nobody else's patients are hidden."""
    if patients in _handler.patients:
        _handler.patients.remove(patients)
    if not _handler.patients:
        _logger.removeHandler(_handler)
        _logger.propagate = True


class OwnWordsOnly(logging.Filter):
    """Lets through what was logged without what is from files and archives: texts, and errors.

    Numbers stay. Nobody knows what texts of theirs tell of a patient: names of files do as well.
    What other packages log is left out.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Put "(hidden)" in the place of each text in a record; return whether it is let through.

        The record itself is changed: Python 3.11 takes no other from a filter.
        """
        if record.name.startswith(_OF_CLIENTS):
            return True
        if not record.name.startswith(f"{_PACKAGE}."):
            return False
        texts = record.args if isinstance(record.args, tuple) else ()
        record.args = tuple(one if isinstance(one, int | float) else HIDDEN for one in texts)
        record.exc_info = record.exc_text = record.stack_info = None
        return True
