"""Runs steps in a real Slicer, each in a process of its own, and prints what came of them.

The standard library is enough: this runs with the Python that started dev.py.
"""

import argparse
import ast
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
TOP = FOLDER.parents[1]
OUTPUT = TOP / "slicer-output"
SCREEN = "-screen 0 1600x1000x24"
BEGIN = "=== the step begins ==="
TIMEOUT_SECONDS = 180
_TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Step:
    """A file of ``steps/``, and what it says of itself."""

    name: str
    title: str
    arguments: tuple[str, ...]
    """Further arguments of Slicer."""
    timeout: float


@dataclass
class Result:
    """What came of a step: problems, and the figures that it measured."""

    step: Step
    seconds: float
    problems: list[str]
    figures: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def all_steps() -> list[Step]:
    """Return all steps, without importing them: outside of Slicer there is no ``qt``."""
    return [_read(file) for file in sorted((FOLDER / "steps").glob("[!_]*.py"))]


def _read(file: Path) -> Step:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and node.targets[0].id in ("SLICER_ARGUMENTS", "TIMEOUT_SECONDS")
    }
    title = (ast.get_docstring(tree) or "").splitlines()[0]
    arguments = constants.get("SLICER_ARGUMENTS", ())
    return Step(file.stem, title, arguments, constants.get("TIMEOUT_SECONDS", TIMEOUT_SECONDS))


def chosen_steps(names: Sequence[str]) -> list[Step]:
    """Return the steps whose names begin so, or all. Raises ValueError where there are none."""
    steps = all_steps()
    for name in names:
        if not any(step.name.startswith(name) for step in steps):
            known = ", ".join(step.name for step in steps)
            raise ValueError(f"No step is called {name}; there are: {known}")
    return [step for step in steps if not names or step.name.startswith(tuple(names))]


class Slicer:
    """The program, and how it is started."""

    def __init__(self, program: Path, output: Path = OUTPUT) -> None:
        self.program = program
        self.output = output

    def command(self, step: Step) -> list[str]:
        """Return the command line that runs a step."""
        code = (
            f"import sys; sys.path[:0] = [{str(FOLDER.parent)!r}]; "
            f"import real_slicer.inside; real_slicer.inside.start({step.name!r})"
        )
        # Without Slicer's own settings, so that all machines, and all runs, begin alike.
        command = [str(self.program), "--no-splash", "--disable-settings", "--ignore-slicerrc"]
        command += ["--additional-module-paths", str(TOP / "IGTLMetaBrowser")]
        command += [*step.arguments, "--python-code", code]
        if needs_virtual_display():
            command = ["xvfb-run", "-a", "-s", SCREEN, *command]
        return command

    def run(self, step: Step, record: Path | None = None) -> Result:
        """Run a step; it ends with Slicer, or is ended after its time."""
        report = self.output / f"{step.name}.json"
        report.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "REAL_SLICER_OUTPUT": str(self.output),
            "REAL_SLICER_PYTHON": _python_with_numpy(self.program),
            "REAL_SLICER_RECORD": str(record or ""),
        }
        log = self.output / f"{step.name}.log"
        begin = time.monotonic()
        with log.open("wb") as file:
            code = _run(self.command(step), file, environment, step.timeout)
        seconds = time.monotonic() - begin
        problems = [] if code == 0 else [_ending(code, step)]
        problems += _tracebacks(log.read_text(encoding="utf-8", errors="replace"))
        result = Result(step, seconds, problems)
        if report.exists():
            written = json.loads(report.read_text(encoding="utf-8"))
            result.problems[:0] = written["problems"]
            result.figures, result.notes = written["figures"], written["notes"]
        elif not problems:
            result.problems.append("it ended without a report")
        return result


def needs_virtual_display() -> bool:
    """Whether a program that opens windows needs ``xvfb-run`` here."""
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform == "linux" and not has_display


def _python_with_numpy(program: Path) -> str:
    """Return a Python that can run the servers: Slicer's own, or that of the checkout."""
    names = ("PythonSlicer", "bin/PythonSlicer", "PythonSlicer.exe", "bin/PythonSlicer.exe")
    candidates = [program.parent / name for name in names]
    candidates += [TOP / ".venv/bin/python", TOP / ".venv/Scripts/python.exe", sys.executable]
    for candidate in candidates:
        if shutil.which(candidate) and not subprocess.call(
            [candidate, "-c", "import numpy"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ):
            return str(candidate)
    return ""


def _run(command: Sequence[str], output: object, environment: dict, timeout: float) -> int | None:
    """Return the exit code; None where the time was over."""
    process = subprocess.Popen(
        command,
        cwd=TOP,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # so that what Slicer and xvfb-run have started ends with them
    )
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end_session(process)


def _end_session(process: subprocess.Popen) -> None:
    """End what is left: after xvfb-run has ended, Slicer may be there still, and its servers."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _ending(code: int | None, step: Step) -> str:
    if code is None:
        return f"it did not end within {step.timeout:g} s"
    if code < 0:
        return f"Slicer was ended by {signal.Signals(-code).name}"
    if code > 128 and code - 128 in {one.value for one in signal.Signals}:
        return f"Slicer was ended by {signal.Signals(code - 128).name}"
    return f"Slicer's exit code is {code}"


def _tracebacks(log: str) -> Iterator[str]:
    """Return the last line of each Python traceback, those of Slicer's own start left out."""
    before, begin, after = log.partition(BEGIN)
    for part, is_ours in ((before, not begin), (after, True)):
        for text in part.split(_TRACEBACK)[1:]:
            lines = text.splitlines()[1:]
            end = next((line for line in lines if re.match(r"\w[\w.]*(:|$)", line)), "")
            if is_ours or str(TOP) in text.partition(end)[0]:
                yield f"a traceback: {end}"


# What is printed --------------------------------------------------------------------------------


def summary(results: Sequence[Result]) -> str:
    """Return a table of the steps, and what failed in them."""
    width = max(len(result.step.name) for result in results)
    lines = []
    for result in results:
        state = "FAILED" if result.problems else "passed"
        name = f"{result.step.name:{width}}"
        lines.append(f"{state}  {name}  {result.seconds:6.1f} s  {result.step.title}")
        lines += [f"        {problem}" for problem in result.problems]
    failed = sum(bool(result.problems) for result in results)
    lines.append(f"{len(results) - failed} of {len(results)} steps passed")
    return "\n".join(lines)


def figures(results: Sequence[Result]) -> str:
    """Return what was measured, as a Markdown table; empty where nothing was."""
    rows = [row for result in results for row in result.figures]
    if not rows:
        return ""
    header = ["measured in Slicer", "to reach", "reached", "Slicer's own calls"]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * 4, *rows])


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 Testing/dev.py slicer", description="Runs the module in a real Slicer."
    )
    parser.add_argument("program", metavar="PROGRAM", help="Slicer's executable")
    parser.add_argument("steps", metavar="step", nargs="*", help="what to run (all)")
    parser.add_argument(
        "--record",
        metavar="FILE",
        type=Path,
        help="write what Slicer answers there",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run the steps that are named, or all; 0 only if all passed."""
    options = _options(arguments)
    record = None if options.record is None else options.record.absolute()
    found = shutil.which(options.program)
    if found is None:
        print(f"{options.program} is no program that can be started", file=sys.stderr)
        return 2
    try:
        steps = chosen_steps(options.steps)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    OUTPUT.mkdir(exist_ok=True)
    slicer = Slicer(Path(found).absolute())
    results = []
    for step in steps:
        print(f"{step.name}: {step.title}", flush=True)
        results.append(slicer.run(step, record))
        for line in results[-1].problems + results[-1].notes:
            print(f"    {line}", flush=True)
    print("", summary(results), figures(results), sep="\n")
    print(f"\nLogs and screenshots are in {OUTPUT.relative_to(TOP)}/")
    return 1 if any(result.problems for result in results) else 0
