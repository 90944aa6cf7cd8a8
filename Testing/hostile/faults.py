"""The long form of the fault tests: ``python3 Testing/dev.py hostile``.

Has the whole conversation through a proxy that does each fault at each byte, plain and with TLS,
and prints how many conversations ended as the truth and how many with words. Exit code 0 means that
none ended otherwise: with a wrong voxel, a second node, or not at all.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from helpers.certificates import Authority
from helpers.peers import ServerInThread
from hostile.conversation import Archive, browse, check_received, converse
from hostile.fault_proxy import KINDS, Fault, FaultProxy
from IGTLMetaBrowserLib import net

FAULTS_AT_ONCE = 200
PIECES_BETWEEN_REPORTS = 5
# A bit of each byte is flipped, another one for each; each bit of the ids, by which images differ.
BITS = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all faults, or those that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py hostile", description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="these alone")
    parser.add_argument("--every", type=int, default=1, help="at every Nth byte; 1 if not given")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="these alone")
    parser.add_argument("--jobs", type=int, default=2, help="processes; 2 if not given")
    options = parser.parse_args(arguments)
    if options.every < 1 or options.jobs < 1:
        parser.error("--every and --jobs must be at least 1")
    findings = 0
    for way in options.ways:
        begin = time.monotonic()
        faults = list(all_faults(options.kinds, lengths(way), options.every))
        ends = try_all(way, faults, options.jobs)
        seconds = time.monotonic() - begin
        for kind in options.kinds:
            of_kind = {end: count for (of, end), count in ends.items() if of == kind}
            print(f"{way:16} {kind:11}", *(f"{n:6} {end}" for end, n in sorted(of_kind.items())))
        print(f"{way}: {len(faults)} conversations in {seconds:.0f} s", flush=True)
        findings += sum(count for (_, end), count in ends.items() if end == "WRONG")
    return 1 if findings else 0


def all_faults(kinds: Sequence[str], most: Sequence[int], every: int = 1) -> Iterator[Fault]:
    """Yield each fault at each byte of the two directions, of ``most`` bytes."""
    for kind in kinds:
        if kind == "refuse":
            yield from (Fault(kind, connections=count) for count in (1, 2, 5, 1000))
            continue
        for is_up in (False, True):
            for at in range(0, most[is_up], every):
                yield Fault(kind, at, is_up, bit=random.Random(at).randrange(BITS))


def try_all(way: str, faults: Sequence[Fault], jobs: int) -> Counter[tuple[str, str]]:
    """Return how many conversations ended in which way, by the kind of the fault."""
    ends: Counter[tuple[str, str]] = Counter()
    starts = range(0, len(faults), FAULTS_AT_ONCE)
    pieces = [faults[start : start + FAULTS_AT_ONCE] for start in starts]
    with ProcessPoolExecutor(jobs) as executor:
        pending = [executor.submit(try_some, way, piece) for piece in pieces]
        for number, future in enumerate(as_completed(pending), start=1):
            found, problems = future.result()
            ends += found
            for problem in problems:
                print(problem, flush=True)
            if number % PIECES_BETWEEN_REPORTS == 0:
                print(f"{way}: {ends.total()} of {len(faults)} so far", flush=True)
    return ends


def try_some(way: str, faults: Sequence[Fault]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Try faults in this process; return how they ended, and what was wrong."""
    ends: Counter[tuple[str, str]] = Counter()
    problems = []
    with tempfile.TemporaryDirectory() as folder, Rig(way, Path(folder)) as rig:
        for fault in faults:
            try:
                end = "words" if rig.try_one(fault) else "complete"
            except BaseException:
                end = "WRONG"
                problems.append(f"{way}: {fault}\n{traceback.format_exc()}")
            ends[fault.kind, end] += 1
    return ends, problems


def lengths(way: str) -> list[int]:
    """Return how many bytes go to the client and to the server if nothing is wrong."""
    with tempfile.TemporaryDirectory() as folder, Rig(way, Path(folder)) as rig:
        assert rig.try_one(None) == []
        return rig.passed


WAYS = {
    "plain client": (False, False),
    "TLS client": (True, False),
    "plain browser": (False, True),
    "TLS browser": (True, True),
}
"""Whether with TLS, and whether with a browser that fills a scene."""


class Rig:
    """A server, and what talks to it through a proxy."""

    def __init__(self, way: str, folder: Path) -> None:
        is_tls, self._is_browser = WAYS[way]
        self._source = Archive()
        self._options: dict[str, Any] = {}
        server_options: dict[str, Any] = {}
        if is_tls:
            authority = Authority.make(folder)
            server_options["tls"] = net.ServerTLS(authority.issue("127.0.0.1")).make_context()
            self._options["tls"] = net.ClientTLS(authority.file)
        self._server = ServerInThread(self._source, **server_options)
        self.passed = [0, 0]

    def __enter__(self) -> Rig:
        self._server.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.__exit__(*error)

    def try_one(self, fault: Fault | None) -> list[str]:
        """Have one conversation; return what failed in it, in words. Raises what is wrong."""
        self._source.received.clear()
        with FaultProxy(self._server.port, fault) as proxy:
            words = self._browse(proxy.port) if self._is_browser else self._converse(proxy.port)
        self.passed = proxy.passed
        check_received(self._source.received)
        return words

    def _converse(self, port: int) -> list[str]:
        return converse(port, **self._options)

    def _browse(self, port: int) -> list[str]:
        import slicer

        from IGTLMetaBrowserLib.browser.browser import Browser

        scene = slicer.vtkMRMLScene()
        slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)
        browser = Browser(scene)
        try:
            words = browse(browser, port, **self._options)
            assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") <= 2, "a second node"
            assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") <= 1, "a second line"
        finally:
            browser.close()
        return words


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
