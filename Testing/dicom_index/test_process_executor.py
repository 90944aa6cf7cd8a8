"""Functions in other processes, some of which the system ends."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
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
