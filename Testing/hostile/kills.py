"""Ends commands by SIGKILL at each of their events: ``python3 Testing/dev.py hostile kills``.

An event is a call that opens, writes, renames, removes, asks the database, sends or receives. The
process ends itself before the Nth one, so that each run ends at the same place. Then no half file
has a final name, older files are as they were, and the next run ends well, with the right result,
and leaves nothing of the killed one.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli import forked
from cli.command import environment
from helpers.patience import HangError
from hostile.killed_work import WORKS, Results, Work

SECONDS = 30.0
# fmt: off
_EVENTS = frozenset((
    "open", "write", "writelines", "flush", "fsync", "replace", "rename", "unlink", "remove",
    "mkdir", "rmdir", "utime", "truncate", "flock", "execute", "executemany", "executescript",
    "commit", "recv", "recv_into", "send", "sendall", "sendmsg", "tofile",
))
# fmt: on


class _Counter:
    """A profile function: counts events of all threads, and ends the process before one of them."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last
        self._lock = threading.Lock()

    def __call__(self, _frame: Any, event: str, called: Any) -> None:
        if event != "c_call" or called.__name__ not in _EVENTS:
            return
        if isinstance(getattr(called, "__self__", None), (str, bytes)):
            return  # they have a ``replace``, too
        with self._lock:
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


def _run(arguments: Sequence[str], folder: Path, last: int | None) -> None:
    """Be the command, in a process of its own and the leader of those that it starts."""
    os.setsid()
    counter = _Counter(last)
    threading.setprofile(counter)
    sys.setprofile(counter)
    try:
        forked._run(arguments, environment(), (folder / "out", folder / "err"))
    finally:
        sys.setprofile(None)
        (folder / "events").write_text(str(counter.count))


def run(work: Work, last: int | None = None) -> tuple[int, int, str]:
    """Do the work; return the exit code, the number of events, and what was said.

    With ``last``, it is ended by SIGKILL before that event; the number is 0 then.
    """
    forked._start_server(environment()["PYTHONPATH"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("out", "err", "events"):
            (folder / file).touch()
        process = forked._FORKING.Process(target=_run, args=(work.arguments, folder, last))
        process.start()
        work.use(folder / "out", process)
        process.join(SECONDS)
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
            raise HangError(f"{work.arguments} does not end")
        _wait_for_children(process.pid)
        said = (folder / "err").read_text()
        return process.exitcode, int((folder / "events").read_text() or 0), said


def _wait_for_children(group: int) -> None:
    """Wait until those are gone that the command has started. Raises ``HangError``."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        if time.monotonic() > end:
            os.killpg(group, signal.SIGKILL)
            raise HangError("processes of a killed command stay")
        time.sleep(0.01)


@contextmanager
def in_folder(kind: str) -> Iterator[Work]:
    """A work with a folder of its own."""
    with tempfile.TemporaryDirectory() as name, WORKS[kind](Path(name)) as work:
        yield work


def do_undisturbed(kind: str) -> tuple[int, Results]:
    """Return how many events a work has that nobody disturbs, and what it writes."""
    with in_folder(kind) as work:
        code, count, said = run(work)
        assert code == 0, said
        work.check_done()
        return count, work.results


def try_kill(kind: str, last: int, results: Results) -> str:
    """End a work before an event and do it again; return what is wrong, or an empty text."""
    with in_folder(kind) as work:
        work.results = results
        try:
            run(work, last)
            work.check_killed()
            code, _, said = run(work)
            assert code == 0, f"the next run: {said}"
            work.check_done()
            left = work.left_overs()
            assert not left, f"left over: {left}"
        except (AssertionError, HangError) as error:
            return f"{kind} ended before event {last}: {error}"
    return ""


def evenly(count: int, tries: int) -> list[int]:
    """Return so many of the numbers 1 to ``count``, or all, the first and last among them."""
    if tries >= count:
        return list(range(1, count + 1))
    return sorted({1 + round(n * (count - 1) / max(1, tries - 1)) for n in range(tries)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all events, or some; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="dev.py hostile kills", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--tries", type=int, default=100, help="events of each work; 100")
    parser.add_argument(
        "--works", nargs="+", choices=WORKS, default=list(WORKS), help="these alone"
    )
    options = parser.parse_args(arguments)
    findings = 0
    for kind in options.works:
        count, results = do_undisturbed(kind)
        tried = evenly(count, options.tries)
        problems = [problem for last in tried if (problem := try_kill(kind, last, results))]
        print(f"{kind}: {count} events, {len(tried)} tried, {len(problems)} wrong", flush=True)
        for problem in problems:
            print(problem, flush=True)
        findings += len(problems)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
