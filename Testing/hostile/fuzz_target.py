"""Gives inputs to a target under libFuzzer: ``fuzz_target.py NAME OPTION... FOLDER|FILE...``.

``fuzz.py`` runs it; the names are those of its ``TARGETS``. Needs atheris, and so Linux.
"""

from __future__ import annotations

import resource
import sys
import warnings
from pathlib import Path

import atheris

TESTING = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTING), str(TESTING.parent / "IGTLMetaBrowser")]

# Instrumented is what is imported for the first time in here.
with atheris.instrument_imports(include=["IGTLMetaBrowserLib"]):
    from hostile.all_ways import read_all_ways
    from hostile.dicom_files import read_header

TARGETS = {"codec": read_all_ways, "dicom": read_header}
# Beyond what the interpreter takes. An input has some KiB: no message or header of it needs more.
MEMORY_LIMIT = 256 << 20


def limit_memory() -> None:
    """Let what asks for too much memory fail with ``MemoryError``, also if it is never used."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    name = sys.argv.pop(1)
    limit_memory()
    # pydicom warns of what is odd in files.
    warnings.simplefilter("error" if name == "codec" else "ignore")
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()
