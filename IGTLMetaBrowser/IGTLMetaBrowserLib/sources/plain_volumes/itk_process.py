"""Has volumes read by ITK in a process of its own, which a file may end: see ``itk_reading``.

It is started when it is needed, and again after it has ended. It is another ``sys.executable``,
which inside Slicer is PythonSlicer, and is the same on all systems: no fork, and nothing of the
program that uses this is imported. Voxels come through a pipe straight into their array: a copy of
157 MB takes a tenth of a second, and there is no file or shared memory to be left behind.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...net.source import SourceError
from ...own_program import start_module
from ...system_errors import reason_of
from .itk_reading import Request, VolumeHeader

_MODULE = f"{__package__}.itk_reading"

HEADER_SECONDS = 10.0
"""In which a header is read: a network drive may be asleep."""

_VOXEL_SECONDS = 60.0
_SLOWEST_BYTES_A_SECOND = 1 << 20  # of a network drive, or of what is compressed well
# The process limits itself, which it cannot while the system has stopped it, or a disk does not
# answer. It has so much longer, for it may first have to load its libraries on a busy computer.
_SECONDS_TO_START = 30.0
_SECONDS_TO_END = 1.0
# Python's lock is taken once for what fits; while others have it, 157 MB took 3 s by 64 KiB each,
# and 1 s so. Only Linux lets it be chosen.
_PIPE_SIZE = 1 << 20
_LONGEST_ANSWER = 8 << 20  # texts of a header of 1 MiB, each letter of which may be escaped

_ENDED = (
    "reading it has ended ITK, or takes too long, or too much memory; look at the file with "
    "another program, and save it anew"
)


class ItkError(SourceError):
    """A file is not read; the text says why."""


class ItkProcess:
    """One process that reads one file after the other; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read_header(
        self, path: Path, image_io: str, seconds: float = HEADER_SECONDS
    ) -> VolumeHeader:
        """Return what the reader of ITK with this name reads in a header. Raises ``ItkError``."""
        request = Request(str(path.absolute()), image_io, seconds)
        with self._running() as process, _ended_after(process, request.seconds):
            return _ask(process, request)

    def read_voxels(self, path: Path, image_io: str, voxels: np.ndarray) -> VolumeHeader:
        """Fill an array with what the same reads in the file, i fastest; return the header.

        Raises ``ItkError``, also if the file has more or less than that.
        """
        seconds = _VOXEL_SECONDS + voxels.nbytes / _SLOWEST_BYTES_A_SECOND
        request = Request(str(path.absolute()), image_io, seconds, voxels.nbytes)
        with self._running() as process, _ended_after(process, seconds):
            header = _ask(process, request)
            if process.stdout.readinto(voxels.reshape(-1).view(np.uint8)) < voxels.nbytes:
                raise EOFError
        return header

    def close(self) -> None:
        """End the process, whatever it reads; the next question starts another."""
        process = self._process
        if process is not None:
            process.kill()  # before the lock, which whoever waits for its answer has
        if self._lock.acquire(timeout=_SECONDS_TO_END):
            try:
                self._end()
            finally:
                self._lock.release()

    @contextlib.contextmanager
    def _running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The process, which is ended if the block has not read all that it answers."""
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self._end()  # for want of memory perhaps, while it was not asked
            if self._process is None:
                self._process = _start()
            try:
                yield self._process
            except ItkError:  # it has said why
                raise
            except (OSError, EOFError):
                self._end()
                raise ItkError(_ENDED) from None
            except BaseException:  # Ctrl-C; the next question would get this one's answer
                self._end()
                raise

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            # It does not end before a disk that it waits for answers: nobody waits for that.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=_SECONDS_TO_END)
            self._process = None


@contextlib.contextmanager
def _ended_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """End the process if the block takes longer than what is asked of it may take."""
    is_done = threading.Event()

    def end() -> None:
        if not is_done.wait(seconds + _SECONDS_TO_START):
            process.kill()

    # ``threading.Thread`` waits for ever for one that there is no memory for.
    _thread.start_new_thread(end, ())
    try:
        yield
    finally:
        is_done.set()


def _ask(process: subprocess.Popen[bytes], request: Request) -> VolumeHeader:
    """Raises ``ItkError``, and ``OSError`` or ``EOFError`` if the process has ended."""
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    line = process.stdout.readline(_LONGEST_ANSWER)
    if not line.endswith(b"\n"):
        raise EOFError
    answer = json.loads(line)
    if "error" in answer:
        raise ItkError(answer["error"])
    return VolumeHeader(**answer)


def _start() -> subprocess.Popen[bytes]:
    try:
        process = start_module(
            sys.executable,
            _MODULE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # warnings, with the paths of whoever has compiled ITK
        )
    except OSError as error:
        raise ItkError(f"a process for ITK cannot be started: {reason_of(error)}") from error
    # A user may have only so many large pipes (pipe(7), pipe-user-pages-soft): then it is as it is.
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
    return process


PROCESS = ItkProcess()
"""The one of this program."""

atexit.register(PROCESS.close)
