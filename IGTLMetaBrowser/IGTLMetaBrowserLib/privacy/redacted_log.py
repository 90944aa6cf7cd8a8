"""Keeping patients' identity out of the log while they are hidden.

What this package logs goes through a handler of its own then, and from there to where it would
have gone.
"""

from __future__ import annotations

import copy
import logging

from .hidden_patients import HiddenPatients

_logger = logging.getLogger(__name__.split(".", maxsplit=1)[0])


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
