"""Waits until something is logged: a loop would take the processor from who is to log it."""

from __future__ import annotations

import logging
import threading

from helpers.patience import Patience
from helpers.peers import PATIENCE


class Logged(logging.Handler):
    """Hears, in its block, whether these words are logged."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self._are_logged = threading.Event()

    def __enter__(self) -> Logged:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_error: object) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self._are_logged.set()

    def wait(self, otherwise: str) -> None:
        """Wait for them; fail with the words ``otherwise`` if they do not come."""
        patience = Patience(PATIENCE)
        while not self._are_logged.wait(0.1):
            assert not patience.is_over, otherwise
