"""The end of the threads that ask an archive."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..archive import Archive

if TYPE_CHECKING:
    from concurrent.futures import Executor

_STEP_SECONDS = 0.5


def end_threads(executor: Executor, archive: Archive) -> None:
    """Wait for the threads of an executor, when their archive is closed; cancel what is waiting.

    Nothing interrupts one that connects to a host that does not answer, or looks up its name: it is
    left to itself.
    """
    ending = threading.Thread(
        target=executor.shutdown, kwargs={"cancel_futures": True}, name="ending", daemon=True
    )
    ending.start()
    ending.join(_STEP_SECONDS)
    while ending.is_alive() and not archive.is_connecting:
        ending.join(_STEP_SECONDS)
