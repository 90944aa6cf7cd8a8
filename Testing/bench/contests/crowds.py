"""A server with many connections, and one under attack: what good clients get, and its memory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from . import serving

STREAMS = (
    "changed_headers",
    "changed_bodies",
    "cut_and_mended",
    "under_other_headers",
    "queries_of_everything",
    "garbage",
    "promises",
    "worst_for_memory",
)
"""The hostile streams of ``Testing/hostile/test_server.py``."""

# All streams, one after the other, to the port that is the argument; prints the connections.
ATTACK = (
    serving.PREPARE
    + f"""
from hostile import test_server
port, names = int(sys.argv[1]), {STREAMS!r}
print(sum(test_server.attack(port, getattr(test_server, name)()) for name in names))
"""
)


def megabytes(process_id: int) -> float:
    """Return how much memory a process has, of Linux; 0 elsewhere."""
    status = Path(f"/proc/{process_id}/status")
    if not status.exists():
        return 0.0
    lines = dict(line.partition(":")[::2] for line in status.read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024


@contextmanager
def connected(port: int, count: int) -> Iterator[None]:
    """Let so many clients be connected that have asked for the list once, and then nothing."""
    with ExitStack() as stack:
        for _ in range(count):
            serving.fetch(stack.enter_context(serving.connect(port)), serving.LIST_QUERY)
        yield


def while_attacked(port: int) -> tuple[list[float], int]:
    """Throw all hostile streams at a server while a good client fetches the image again and again.

    Returns the seconds of each image, and how many connections the streams had: the server closes
    those on which it can read nothing any more. Raises ConnectionError if an image is cut off.
    """
    command = [*serving.python(ATTACK), str(port)]
    taken = []
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attacker,
        serving.connect(port) as good,
    ):
        while attacker.poll() is None:
            begin = time.perf_counter()
            serving.fetch(good)
            taken.append(time.perf_counter() - begin)
        return taken, int(attacker.stdout.read())
