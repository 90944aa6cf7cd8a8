#!/usr/bin/env python3
"""Sets up a fresh machine for working on IGTLMetaBrowser, and runs its tools there.

Needs git and Python 3.10 or later, nothing else: makes .venv in the checkout, installs into it what
pyproject.toml names, and sees to the system packages that are missing.
"""

import sys

# Above everything else: an older Python shall print this, not an ImportError. To be read by one at
# all, this file does without `from __future__ import annotations` (new in 3.7), := (3.8) and match.
if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit(
        f"IGTLMetaBrowser needs Python 3.10 or later; {sys.executable} is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Call Testing/dev.py with a newer one, for instance: python3.12 Testing/dev.py test"
    )

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from machine.environment import Environment
from machine.system_packages import (
    ARCHIVE,
    DRAWING,
    ENSUREPIP,
    INTEROP,
    VALIDATION,
    VIRTUAL_DISPLAY,
    WINDOW,
    Need,
    missing,
    provide,
)
from machine.tools import TOP, SetupError, run, say


def demo(
    environment: Environment, arguments: Sequence[str], program: str = "Testing/demo.py"
) -> int:
    settings = dict(os.environ)
    if sys.platform == "linux" and missing(WINDOW):
        settings.setdefault("QT_QPA_PLATFORM", "offscreen")
    return run([str(environment.python), program, *arguments], environment=settings)


def pacs(environment: Environment, arguments: Sequence[str]) -> int:
    return demo(environment, arguments, "Testing/pacs.py")


def test(environment: Environment, arguments: Sequence[str]) -> int:
    """Run pytest; without arguments all tests, by some processes more than there are processors.

    Many tests wait for a peer or a time-out. What the tests of a file share is made once.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process compiles all that it imports
    all_tests = [f"--numprocesses={(os.cpu_count() or 1) + 2}", "--dist=loadfile"]
    return run([str(environment.python), "-m", "pytest", *(arguments or all_tests)])


def bench(environment: Environment, names: Sequence[str]) -> int:
    """Run the named benchmarks, or all, and return the first exit code that is not 0."""
    folder = TOP / "Testing" / "bench"
    known = sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    unknown = [name for name in names if name not in known]
    if unknown:
        say(f"No benchmark is called {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    codes = [run([str(environment.python), str(folder / f"{n}.py")]) for n in names or known]
    return next(filter(None, codes), 0)


def fuzz(environment: Environment, arguments: Sequence[str]) -> int:
    environment.add_fuzzer()
    return run([str(environment.python), "Testing/hostile/fuzz.py", *arguments])


def hostile(environment: Environment, arguments: Sequence[str]) -> int:
    """Have conversations through a proxy that does each fault at each byte; or another form."""
    if arguments[:1] in (["kills"], ["window"]):
        return run_module(environment, f"hostile.{arguments[0]}", arguments[1:])
    return run_module(environment, "hostile.faults", arguments)


def differential(environment: Environment, arguments: Sequence[str]) -> int:
    """Compare the codec with the C++ library and pyigtl, on many more messages than the tests do.

    ``arguments``: how many examples of each type, 1,000 if none; the rest is pytest's.
    """
    examples, *others = arguments or ["1000"]
    if not examples.isdecimal() or int(examples) == 0:
        say(f"differential [EXAMPLES [pytest's arguments]]: {examples!r} is no number of examples")
        return 2
    tests = ["test_exactness.py", "test_pyigtl.py", "test_pyigtl_lists.py"]
    tests += ["test_pyigtl_polydata.py", "test_pyigtl_tracking.py"]
    files = [str(TOP / "Testing" / "interop" / name) for name in tests]
    return run(
        [str(environment.python), "-m", "pytest", *files, *others],
        environment={**os.environ, "DIFFERENTIAL_EXAMPLES": examples},
    )


def soak(environment: Environment, arguments: Sequence[str]) -> int:
    """Use a browser for minutes, and look whether anything grows."""
    return run_module(environment, "hostile.soak", arguments)


def run_module(environment: Environment, module: str, arguments: Sequence[str]) -> int:
    """Run a module of the tests as a program."""
    path = os.pathsep.join(map(str, (TOP / "Testing", TOP / "IGTLMetaBrowser")))
    command = [str(environment.python), "-m", module, *arguments]
    return run(command, environment={**os.environ, "PYTHONPATH": path})


def slicer(arguments: Sequence[str]) -> int:
    """Run steps in a real Slicer. Raises SetupError."""
    sys.path.insert(0, str(TOP / "Testing"))
    from real_slicer import runner

    if runner.needs_virtual_display():
        provide(VIRTUAL_DISPLAY, (), "")
    return runner.main(arguments)


def lint(environment: Environment, arguments: Sequence[str]) -> int:
    """Check style, format and the types of the codec, or style and format of the files named."""
    tools = [["ruff", "check", *arguments], ["ruff", "format", "--check", *arguments]]
    if not arguments:
        tools.append(["mypy"])
    codes = [run([str(environment.python), "-m", *tool]) for tool in tools]
    return next(filter(None, codes), 0)


@dataclass(frozen=True)
class Command:
    """A subcommand: what it runs, and what the machine must have and should have for it."""

    run: Callable[[Environment, Sequence[str]], int]
    help: str
    required: tuple[Need, ...] = ()
    optional: tuple[Need, ...] = ()
    without_optional: str = ""
    needs_environment: bool = True


def commands() -> dict[str, Command]:
    skipped = "what compares with the C++ library or asks an archive is skipped"
    window = WINDOW if os.environ.get("DISPLAY") else ()
    return {
        "demo": Command(
            demo, "show the main job, end to end", DRAWING, window, "no window is opened"
        ),
        "pacs": Command(
            pacs,
            "show an archive as an endpoint, with a real Orthanc",
            (*DRAWING, *ARCHIVE),
            window,
            "no window is opened",
        ),
        "test": Command(
            test,
            "run the tests; takes pytest's arguments",
            DRAWING,
            (*INTEROP, *ARCHIVE, *VALIDATION),
            skipped,
        ),
        "bench": Command(
            bench,
            "run all benchmarks, or those that are named",
            DRAWING,
            (*INTEROP, *ARCHIVE),
            skipped,
        ),
        **long_forms(),
        "lint": Command(
            lint, "check style and format with ruff, and the codec's types with mypy; takes files"
        ),
        "slicer": Command(
            lambda _environment, arguments: slicer(arguments),
            "walk, self-tests and benches in a real Slicer: PROGRAM [step ...] [--record FILE]",
            needs_environment=False,
        ),
    }


def long_forms() -> dict[str, Command]:
    """The tests that take minutes or hours."""
    return {
        "fuzz": Command(
            fuzz, "look for bytes that the codec cannot bear; takes --minutes N, --jobs N"
        ),
        "differential": Command(
            differential,
            "compare the codec with the C++ library and pyigtl; takes the number of examples",
            (),
            INTEROP,
            "what compares with the C++ library is skipped",
        ),
        "hostile": Command(
            hostile,
            "have conversations with a fault at each byte; takes --every N, --jobs N, --kinds ...;"
            " or kill commands at each event: kills [--tries N]; or use the window in any order:"
            " window [--events N] [--seed N]",
            DRAWING,
        ),
        "soak": Command(
            soak,
            "use a browser for minutes, and see whether anything grows; takes --minutes N",
            DRAWING,
        ),
    }


def prepare(command: Command) -> Environment:
    """Set the machine up for ``command``. Raises SetupError."""
    environment = Environment(TOP)
    if not command.needs_environment:
        return environment
    required, optional = [], []
    if not environment.is_sound():
        required.append(ENSUREPIP)
    if sys.platform == "linux":  # elsewhere, the wheels bring what they need
        required += command.required
        optional += command.optional
    provide(required, optional, command.without_optional)
    environment.make()
    return environment


def main(arguments: Sequence[str] | None = None) -> int:
    known = commands()
    lines = "\n".join(f"  {name:6} {command.help}" for name, command in known.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"commands:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="python3 Testing/dev.py command [argument ...]",
    )
    parser.add_argument("command", choices=known, help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        command = known[options.command]
        return command.run(prepare(command), options.arguments)
    except SetupError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
