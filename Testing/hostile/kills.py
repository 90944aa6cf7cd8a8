"""Ends commands by SIGKILL at each of their events: ``python3 Testing/dev.py hostile kills``.

An event is a call that opens, writes, renames, removes, asks the database, sends or receives. The
process ends itself before the Nth one, so that each run ends at the same place; of some works it is
one of the processes that the command has started. Then no half file has a final name, older files
are as they were, and the next run ends well, with the right result, and leaves nothing of the
killed one, nor in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cli import forked
from cli.command import environment
from helpers.patience import HangError
from hostile.event_counter import EventCounter
from hostile.killed_work import WORKS, Results, Work

SECONDS = 120.0  # on a machine that does much else
_HERE = Path(__file__).resolve().parent


def _run(work: Work, folder: Path, last: int | None) -> None:
    """Be the command, in a process of its own and the leader of those that it starts."""
    os.setsid()
    changes = {"TMPDIR": str(work.temporary)}
    if work.kills_workers:
        changes["KILLED_WORKER"] = f"{last or 0}:{folder}"
        changes["PYTHONPATH"] = os.pathsep.join(map(str, (_HERE / "in_worker", _HERE.parent)))
    counter = EventCounter(None if work.kills_workers else last)
    counter.begin()
    try:
        tempfile.tempdir = None  # which the process that is forked may have found already
        files = None, folder / "out", folder / "err"
        forked._run(work.arguments, environment(**changes), files)
    finally:
        sys.setprofile(None)
        if not work.kills_workers:
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
        process = forked._FORKING.Process(target=_run, args=(work, folder, last))
        process.start()
        work.use(folder / "out", process)
        process.join(SECONDS)
        if process.is_alive():
            with suppress(ProcessLookupError):  # on a busy machine it may not have begun
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            raise HangError(f"{work.arguments} does not end")
        _wait_for_children(process.pid)
        counts = [int(path.read_text() or 0) for path in folder.glob("events*")]
        return process.exitcode, max(counts), (folder / "err").read_text()


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
    parser.add_argument("--minutes", type=float, default=60.0, help="at most, for each work; 60")
    options = parser.parse_args(arguments)
    findings = 0
    for kind in options.works:
        count, results = do_undisturbed(kind)
        events = evenly(count, options.tries)
        random.Random(0).shuffle(events)  # so that a part of them is spread as well
        end, tried, wrong = time.monotonic() + 60 * options.minutes, 0, 0
        for last in events:
            if time.monotonic() > end:
                break
            tried += 1
            if problem := try_kill(kind, last, results):
                wrong += 1
                print(problem, flush=True)
        print(f"{kind}: {count} events, {tried} tried, {wrong} wrong", flush=True)
        findings += wrong
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
