"""How long ``import IGTLMetaBrowserLib.codec`` takes beyond ``import numpy``.

Both are imported from bytecode, as Slicer and pip leave it. Where PYTHONDONTWRITEBYTECODE is set, a
checkout has none, numpy has: compiling the codec at each import would be measured (about 25 ms).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from .harness import print_verdict, time_text

TURNS = 15
MOST_SECONDS = 0.030
PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[1])
start = time.perf_counter()
import numpy
before = time.perf_counter()
import IGTLMetaBrowserLib.codec
print(time.perf_counter() - before, before - start)
"""


def show(console: Console) -> bool:
    """Print the times; return whether the codec's is short enough."""
    folder = Path(__file__).resolve().parents[3] / "IGTLMetaBrowser"
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    times = []
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(TURNS + 1):  # the first turn, which does not count, compiles
            result = subprocess.run(
                command, capture_output=True, text=True, check=True, env=environment
            )
            times.append([float(number) for number in result.stdout.split()])
    taken, numpys = (statistics.median(column) for column in zip(*times[1:], strict=True))
    console.print("[bold]import IGTLMetaBrowserLib.codec[/bold]")
    required = f"≤ 30 ms beyond import numpy ({time_text(numpys)})"
    print_verdict(console, "codec", required, time_text(taken), taken <= MOST_SECONDS)
    return taken <= MOST_SECONDS
