"""The gateway to an archive (PACS), which runs as a child process while it is needed."""

from __future__ import annotations

import qt

from ...browser.endpoints.gateway_process import GatewayProcess
from ...signal import Signal
from .python_packages import pythonProgram

_POLL_MILLISECONDS = 100
# For an end in good order; then it is killed.
_SECONDS_TO_END = 1.0
_POLLS_TO_END = 100
_runningGateways = []


class ArchiveGateway:
    """One process at a time, between ``start`` and ``stop``.

    ``ready`` is emitted when it serves, with host and port; ``failed`` when it has ended by
    itself, with its words, which may be empty.
    """

    def __init__(self):
        self.ready = Signal()
        self.failed = Signal()
        self.archive = None
        """The ``ArchiveAddress`` that it was started for last."""
        self._process = None
        self._ending = []
        self._isReady = False
        self._timer = qt.QTimer()
        self._timer.timeout.connect(self._poll)

    @property
    def isRunning(self):
        """Whether it serves, or is about to."""
        return self._process is not None

    @property
    def isStarting(self):
        """Whether it does not serve yet."""
        return self.isRunning and not self._isReady

    @property
    def address(self):
        """Host and port, or None if it does not serve."""
        return self._process.address if self.isRunning else None

    def start(self, archive):
        """Start it for an ``ArchiveAddress``, in place of the one that runs. Raises OSError."""
        self.stop()
        self._process = GatewayProcess(pythonProgram(), archive.arguments(), archive.secrets())
        self.archive = archive
        self._isReady = False
        _runningGateways.append(self)
        self._timer.start(_POLL_MILLISECONDS)

    def stop(self):
        """End it, without waiting for its end."""
        if self.isRunning:
            _runningGateways.remove(self)
            self._process.end()
            self._ending.append((self._process, _POLLS_TO_END))
            self._process = None

    def close(self):
        """End it now: nothing of it stays."""
        self.stop()
        self._timer.stop()
        # In PythonQt, a timer and who it calls keep each other alive.
        self._timer.timeout.disconnect(self._poll)
        for process, _polls in self._ending:
            process.kill(_SECONDS_TO_END)
        self._ending = []

    def _poll(self):
        self._killEnded()
        process = self._process
        if process is not None:
            process.poll()
            if process.exit_code is not None:
                words = process.words
                self.stop()
                self.failed.emit(words)
            elif process.address is not None and not self._isReady:
                self._isReady = True
                self.ready.emit(*process.address)
        elif not self._ending:
            self._timer.stop()

    def _killEnded(self):
        waiting, self._ending = self._ending, []
        for process, polls in waiting:
            process.poll()
            if process.exit_code is None and polls:
                self._ending.append((process, polls - 1))
            else:
                process.kill()


def isGateway(host, port):
    """Return whether a gateway of this process serves there: its port is another one each time."""
    return (host, port) in [gateway.address for gateway in _runningGateways]
