"""The codec beside the C++ library and pyigtl.

All contestants take turns, so that what else the machine does disturbs each alike; what is printed
are medians, and under each table what is required. Run it with
``python3 Testing/dev.py bench codec``; it exits with 1 where something was not reached.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from contests import checksums, harness, image, image_list, import_time, small_messages

from helpers import cpp_library


def describe_machine(console: Console) -> None:
    """Print on what the figures were taken."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(
        f"Medians of {harness.ROUNDS} turns; {os.cpu_count()} processors{load}; "
        f"Python {platform.python_version()}, numpy {np.__version__}",
        highlight=False,
    )
    if not harness.HAS_FASTCRC:
        console.print("Left out: fastcrc is not installed (pip install fastcrc)")


def build(console: Console, folder: Path) -> Path | None:
    """Compile the C++ library's part, where the library is installed."""
    if reason := cpp_library.why_missing():
        console.print(f"Left out, with all fetching: {reason}")
        return None
    return cpp_library.build(Path(__file__).with_suffix(".cc"), folder)


def main() -> int:
    """Hold all contests; return 0 where all that is required was reached."""
    console = Console()
    describe_machine(console)
    with tempfile.TemporaryDirectory() as name:
        program = build(console, Path(name))
        reached = [
            harness.hold(console, checksums.large(program)),
            harness.hold(console, checksums.small()),
            harness.hold(console, image_list.unpacking(program, Path(name))),
            harness.hold(console, small_messages.receiving()),
            small_messages.show_rates(console),
            import_time.show(console),
        ]
        if program:
            with image.cpp_server(program) as port:
                image.check_image(image.fetch(port))
                reached.append(harness.hold(console, image.fetching(program, port)))
                reached.append(image.show_memory(console, port))
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
