"""Has the processes that a command starts count their events, and one of them be ended.

Python imports this at its start, if the folder is in PYTHONPATH. KILLED_WORKER is the folder to
count in, and before which event the first process that comes so far is ended; 0: before none.
"""

import os
from pathlib import Path

from hostile.event_counter import EventCounter


class _WrittenCounter(EventCounter):
    """Keeps the number in a file: a worker that is ended by its parent could not say it."""

    def __init__(self, folder: Path, last: int) -> None:
        super().__init__(last, self._is_first)
        self._flag = folder / "killed"
        self._file = os.open(folder / f"events-{os.getpid()}", os.O_CREAT | os.O_WRONLY)

    def on_event(self) -> None:
        os.pwrite(self._file, b"%08d" % self.count, 0)

    def _is_first(self) -> bool:
        try:
            os.close(os.open(self._flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True


if "KILLED_WORKER" in os.environ:
    _last, _folder = os.environ["KILLED_WORKER"].split(":", 1)
    _WrittenCounter(Path(_folder), int(_last)).begin()
