"""``igtlmeta index`` beside pydicom and med-imagetools, on 20,000 DICOM files of about 1 GB.

Run it with ``python3 Testing/dev.py bench index``; it exits with 1 where something was not reached.
All contestants take turns, each as a process of its own. The files, and an environment with
med-imagetools (which has many dependencies), stay in the temporary folder for the next time;
``--files N`` takes fewer files, ``--rounds N`` fewer turns.
"""

# ruff: noqa: E402 - the path comes before what is found on it

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

TESTING = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTING), str(TESTING.parent / "IGTLMetaBrowser")]

from contests import harness
from contests.dicom_tree import FOLDER, dicom_tree, linked_copies

IMPORT_ROOT = TESTING.parent / "IGTLMetaBrowser"
ROUNDS = 3
JOBS = 2
FIRST = f"igtlmeta index --jobs {JOBS}"
AGAIN = "the same, nothing changed"
PYDICOM = "pydicom.dcmread in a loop"
IMGTOOLS = f"imgtools index --n-jobs {JOBS}"
MED_IMAGETOOLS = "med-imagetools"
# What memory may grow by for so many times the files.
MOST_GROWTH = 1.1
MORE_FILES = 5

# Runs the command, and prints the most memory in KB that it took itself and one that reads took.
MEASURE_MEMORY = """
import resource, sys
from IGTLMetaBrowserLib.cli import main
main(sys.argv[1:])
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    print(resource.getrusage(who).ru_maxrss)
"""
# A process counts as its own what the one that starts it has; so a small one starts it.
START = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


def main() -> int:
    """Hold the contest; return 0 where all that is required was reached."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = options.parse_args()
    console = Console()
    tree = dicom_tree(arguments.files)
    contestants = {
        PYDICOM: partial(run, python(Path(__file__).parent / "contests" / "dicom_loop.py", tree)),
        FIRST: partial(index_from_nothing, tree),
        AGAIN: partial(run, index(tree)),
    }
    if imgtools := find_imgtools(console):
        contestants[IMGTOOLS] = partial(run_imgtools, imgtools, tree)
    describe_machine(console, arguments.rounds)
    contest = harness.Contest(
        f"{arguments.files:,} files, {size_of(tree) / 1e9:.2f} GB, indexed",
        contestants,
        arguments.files,
        "files",
        [
            harness.Requirement(FIRST, PYDICOM, times_as_fast=2),
            harness.Requirement(FIRST, IMGTOOLS, times_as_fast=2),
            harness.Requirement(AGAIN, FIRST, times_as_fast=20),
        ],
    )
    reached = [
        harness.hold(console, contest, arguments.rounds),
        show_memory(console, linked_copies(tree, MORE_FILES), tree),
    ]
    return 0 if all(reached) else 1


def describe_machine(console: Console, rounds: int) -> None:
    """Print on what the figures were taken."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(
        f"Medians of {rounds} turns after one that does not count; {os.cpu_count()} processors"
        f"{load}; Python {platform.python_version()}",
        highlight=False,
    )


# Those who compete -------------------------------------------------------------------------------


def python(*arguments: object) -> list[str]:
    return [sys.executable, *map(str, arguments)]


def index(tree: Path) -> list[str]:
    """The command that brings the index of a folder up to date."""
    return python("-m", "IGTLMetaBrowserLib.cli", *index_arguments(tree))


def index_arguments(tree: Path) -> list[object]:
    return ["index", tree, "--jobs", JOBS, "-o", output_of(tree)]


def output_of(tree: Path) -> Path:
    return FOLDER / f"{tree.name}.csv"


def index_from_nothing(tree: Path) -> float:
    forget_index(tree)
    return run(index(tree))


def forget_index(tree: Path) -> None:
    for path in (output_of(tree), output_of(tree).with_suffix(".sqlite")):
        path.unlink(missing_ok=True)


def run_imgtools(program: Path, tree: Path) -> float:
    command = [program, "index", "--dicom-dir", tree, "--output-dir", FOLDER / "imgtools"]
    return run([*map(str, command), "--n-jobs", str(JOBS), "--force"])


def run(command: Sequence[str]) -> float:
    """Run a command; return its seconds."""
    environment = {**os.environ, "PYTHONPATH": str(IMPORT_ROOT)}
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    taken = time.perf_counter() - start
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr[-2000:]}")
    return taken


def find_imgtools(console: Console) -> Path | None:
    """Return the program of med-imagetools, installed where it is not yet; None where it cannot."""
    folder = FOLDER / "med-imagetools"
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    found = [*scripts.glob("imgtools*")]
    if not found:
        console.print(f"Installing {MED_IMAGETOOLS} in {folder} (a minute)")
        venv.create(folder, with_pip=True, clear=True)
        pip = [*map(str, scripts.glob("python*"))][:1]
        command = [*pip, "-m", "pip", "install", "--quiet", MED_IMAGETOOLS]
        result = subprocess.run(command, capture_output=True, text=True)
        found = [*scripts.glob("imgtools*")]
        if result.returncode or not found:
            why = (result.stderr.strip().splitlines() or ["no program imgtools"])[-1]
            console.print(f"Left out: {MED_IMAGETOOLS} cannot be installed: {why}", highlight=False)
            return None
    return found[0]


# Memory ------------------------------------------------------------------------------------------


def show_memory(console: Console, larger: Path, tree: Path) -> bool:
    """Print how memory grows with the number of files; return whether it stays flat."""
    if sys.platform == "win32":
        console.print("Memory is not measured on Windows")
        return True
    verdicts = []
    for who, many, few in zip(
        ("the command's memory", "that of a process that reads"),
        peak_megabytes(larger),
        peak_megabytes(tree),
        strict=True,
    ):
        required = f"for {MORE_FILES} × the files ≤ {MOST_GROWTH:g} × as much"
        measured = f"{many:.1f} MB, {few:.1f} MB: {many / few:.3g} ×"
        verdicts.append(many <= MOST_GROWTH * few)
        harness.print_verdict(console, who, required, measured, verdicts[-1])
    return all(verdicts)


def peak_megabytes(tree: Path) -> list[float]:
    """Return the most memory that the command and its processes take to index from nothing."""
    forget_index(tree)
    environment = {**os.environ, "PYTHONPATH": str(IMPORT_ROOT)}
    command = python("-c", START, *python("-c", MEASURE_MEMORY, *index_arguments(tree)))
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    kilobytes = result.stdout.splitlines()[-2:]
    return [int(number) / (1024 if sys.platform == "linux" else 1 << 20) for number in kilobytes]


def size_of(tree: Path) -> int:
    return sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
