"""Functions in other processes, some of which the system ends."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from IGTLMetaBrowserLib.dicom_index.process_executor import ProcessExecutor

# More than a pipe holds.
LARGE = 1 << 20


def process_id() -> int:
    return os.getpid()


def large() -> bytes:
    return bytes(LARGE)


def refuse(text: str) -> None:
    raise ValueError(text)


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_in_the_middle_of_the_result() -> None:
    """Write what a pipe begins with, and no more."""
    (pipe,) = (one for one in gc.get_objects() if isinstance(one, Connection))
    os.write(pipe.fileno(), LARGE.to_bytes(4, "big") + bytes(1000))
    end()


def stop(its_id: Connection) -> None:
    """Be as a process that hangs."""
    its_id.send(os.getpid())
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    with ProcessExecutor(2) as executor:
        yield executor


def test_a_function_runs_in_another_process(executor) -> None:
    assert executor.submit(process_id).result() != os.getpid()
    assert executor.submit(large).result() == bytes(LARGE)


def test_what_it_raises_is_raised(executor) -> None:
    with pytest.raises(ValueError, match="of 3 bits"):
        executor.submit(refuse, "of 3 bits").result()


@pytest.mark.parametrize("how", [end, end_in_the_middle_of_the_result])
def test_a_process_that_ends_fails_its_own_work_alone(executor, how) -> None:
    lost = executor.submit(how)
    others = [executor.submit(large) for _ in range(4)]
    with pytest.raises(BrokenExecutor):
        lost.result()
    assert [len(other.result()) for other in others] == [LARGE] * 4


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP on Windows")
def test_a_process_that_hangs_is_killed() -> None:
    executor = ProcessExecutor(1)
    its_id, other_end = Pipe()
    hung, waiting = executor.submit(stop, other_end), executor.submit(process_id)
    process = its_id.recv()
    executor.kill()
    with pytest.raises(BrokenExecutor):
        hung.result()
    assert waiting.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
