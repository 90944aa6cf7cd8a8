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
import ctypes
import hashlib
import importlib
import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
EXAMPLES = Path("/usr/share/doc/openigtlink-examples/examples")
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
FUZZER_RUNS_ON = "CPython 3.10 to 3.14 on Linux with an x86-64 processor"
# How long a tool may take to end in its own way after Ctrl-C, before it is ended.
SECONDS_TO_FINISH = 10


class SetupError(Exception):
    """Why this machine cannot be set up, and what to do about it."""


# What the machine must have ---------------------------------------------------------------------


@dataclass(frozen=True)
class Need:
    """Something of the operating system, and Debian's package that holds it.

    Whether it is there is asked of the thing itself, not of the package manager: the packages'
    names differ between releases (libglib2.0-0 and libglib2.0-0t64) and distributions.
    """

    name: str
    package: str
    is_there: Callable[[], bool]


def library(soname: str, package: str) -> Need:
    def loads() -> bool:
        try:
            ctypes.CDLL(soname)
        except OSError:
            return False
        return True

    return Need(soname, package, loads)


def has_fonts() -> bool:
    folders = [Path(folder).expanduser() for folder in FONT_FOLDERS]
    suffixes = {".ttf", ".otf", ".ttc"}
    return any(file.suffix in suffixes for folder in folders for file in folder.rglob("*"))


def has_ensurepip() -> bool:
    importlib.invalidate_caches()  # it may have been installed a moment ago
    return importlib.util.find_spec("ensurepip") is not None


# Debian keeps this part of the standard library in a package of its own, one for each version.
ENSUREPIP = Need("Python's ensurepip", f"python3.{sys.version_info.minor}-venv", has_ensurepip)

# To import PySide6, and to draw with it and with VTK without a display. libgl1 and libegl1 bring
# Mesa with them. The wheels of PySide6 hold no fonts: without one, each letter is an empty box.
DRAWING = (
    library("libglib-2.0.so.0", "libglib2.0-0"),
    library("libGL.so.1", "libgl1"),
    library("libEGL.so.1", "libegl1"),
    library("libxkbcommon.so.0", "libxkbcommon0"),
    library("libdbus-1.so.3", "libdbus-1-3"),
    library("libfontconfig.so.1", "libfontconfig1"),
    Need("a font", "fonts-dejavu-core", has_fonts),
)

# For Qt to open a window on an X display.
WINDOW = (
    library("libxcb-cursor.so.0", "libxcb-cursor0"),
    library("libxcb-icccm.so.4", "libxcb-icccm4"),
    library("libxcb-keysyms.so.1", "libxcb-keysyms1"),
    library("libxcb-shape.so.0", "libxcb-shape0"),
    library("libxcb-xkb.so.1", "libxcb-xkb1"),
    library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
)

# To run Slicer without a display: Debian's xvfb-run needs xauth.
VIRTUAL_DISPLAY = (
    Need("xvfb-run", "xvfb", lambda: shutil.which("xvfb-run") is not None),
    Need("xauth", "xauth", lambda: shutil.which("xauth") is not None),
)

# To build and run the C++ library's own servers and clients.
INTEROP = (
    Need("a C++ compiler", "g++", lambda: shutil.which("g++") is not None),
    Need(
        "the OpenIGTLink library",
        "libopenigtlink-dev",
        lambda: Path("/usr/include/openigtlink").is_dir(),
    ),
    Need("stunnel", "stunnel4", lambda: any(map(shutil.which, ("stunnel4", "stunnel")))),
    Need("the sources of OpenIGTLink's examples", "openigtlink-examples", EXAMPLES.is_dir),
)

# To run a real archive (PACS). As with all of Debian's servers, where systemd runs it is started.
ORTHANC_PLUGINS = Path("/usr/share/orthanc/plugins")
ARCHIVE = (
    Need("Orthanc", "orthanc", lambda: Path("/usr/sbin/Orthanc").exists()),
    Need(
        "Orthanc's DICOMweb plugin",
        "orthanc-dicomweb",
        lambda: (ORTHANC_PLUGINS / "libOrthancDicomWeb.so").exists(),
    ),
)


def missing(needs: Iterable[Need]) -> list[Need]:
    return [need for need in needs if not need.is_there()]


def apt_install(needs: Sequence[Need]) -> list[str]:
    """The apt-get command that installs ``needs``."""
    command = ["apt-get", "install", "-y", "--no-install-recommends"]
    packages = [need.package for need in needs]
    if "openigtlink-examples" in packages:
        # Container images tell dpkg to leave out /usr/share/doc, where the sources are. They may
        # have been left out before, so that the package is installed and yet not whole.
        command += ["--reinstall", "-o", f"Dpkg::Options::=--path-include={EXAMPLES.parent}/*"]
    return command + packages


def advice(needs: Sequence[Need]) -> str:
    """What somebody can do who has to install ``needs`` by hand."""
    if shutil.which("apt-get"):
        return f"sudo apt-get update && sudo {shlex.join(apt_install(needs))}"
    names = ", ".join(f"{need.name} (in Debian: {need.package})" for need in needs)
    return f"Install with this system's package manager: {names}"


def may_install() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def provide(required: Iterable[Need], optional: Iterable[Need], without_optional: str) -> None:
    """Install the system packages that are missing, where that is allowed; else say how to.

    Raises SetupError if something required is still missing. ``without_optional`` says what
    happens where something optional is.
    """
    required, optional = missing(required), missing(optional)
    if may_install() and (required or optional):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update"], quiet=True, environment=environment)
        # One after the other: what is optional shall not keep out what is required.
        for needs in filter(None, (required, optional)):
            say("Installing " + " ".join(need.package for need in needs))
            run(apt_install(needs), quiet=True, environment=environment)
        required, optional = missing(required), missing(optional)
    if required:
        names = ", ".join(need.name for need in required)
        raise SetupError(f"This machine lacks {names}.\n{advice([*required, *optional])}")
    if optional:
        names = ", ".join(need.name for need in optional)
        say(f"This machine lacks {names}: {without_optional}.\n{advice(optional)}")


# The environment --------------------------------------------------------------------------------


class Environment:
    """The virtual environment in a checkout, and the stamp that says what it was made from.

    The stamp is written last. An environment without one was interrupted, and is made anew, as
    is one that was made by another Python or has been moved: neither can be mended by pip.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder = top / ".venv"
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.stamp = self.folder / "made-from.txt"

    def origin(self) -> str:
        return f"{sys.implementation.cache_tag} in {self.top}\n"

    def contents(self) -> str:
        return hashlib.sha256((self.top / "pyproject.toml").read_bytes()).hexdigest() + "\n"

    def _stamped(self) -> str:
        # The interpreter may be a link to one that has been removed since.
        if not (self.python.exists() and self.stamp.exists()):
            return ""
        return self.stamp.read_text(encoding="utf-8")

    def is_sound(self) -> bool:
        """Whether pip can install into it; perhaps not all is in it that should be."""
        return self._stamped().startswith(self.origin())

    def is_ready(self) -> bool:
        return self._stamped() == self.origin() + self.contents()

    def make(self) -> None:
        """Bring the environment up to date. Raises SetupError."""
        if self.is_ready():
            return
        if not self.is_sound():
            say(f"Making {self.folder}")
            command = [sys.executable, "-m", "venv", "--clear", str(self.folder)]
            if run(command, quiet=True) != 0:
                raise SetupError(f"{self.folder} could not be made; the lines above say why.")
        say("Installing what pyproject.toml names (the first time takes a minute or two)")
        self.stamp.unlink(missing_ok=True)
        if self._install("test") != 0:
            raise SetupError("pip could not install it; the lines above say why.")
        self.stamp.write_text(self.origin() + self.contents(), encoding="utf-8")

    def add_fuzzer(self) -> None:
        """Install atheris, where it is not yet. Raises SetupError."""
        stamp = self.folder / "fuzz-made-from.txt"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == self.contents():
            return
        say("Installing atheris")
        if self._install("fuzz", "--only-binary=atheris") != 0:  # to build it, one builds LLVM
            raise SetupError(
                "pip could not install atheris, the fuzzer; the lines above say why. There are "
                f"wheels of it for {FUZZER_RUNS_ON} alone."
            )
        stamp.write_text(self.contents(), encoding="utf-8")

    def _install(self, extra: str, *options: str) -> int:
        pip = [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        return run([*pip, "install", *options, "-e", f"{self.top}[{extra}]"], quiet=True)


# Running tools ----------------------------------------------------------------------------------


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(
    command: Sequence[str], *, quiet: bool = False, environment: dict[str, str] | None = None
) -> int:
    """Run ``command`` in the checkout and return its exit code.

    With ``quiet``, what it prints is shown only if it fails.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quiet else {}
    with subprocess.Popen(command, cwd=TOP, env=environment, **pipes) as process:
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            end(process)
            raise
    code = process.returncode
    if quiet and code != 0:
        say(f"{shlex.join(command)}\n{output.decode(errors='replace')}")
    if code < 0:
        say(f"{shlex.join(command)} was ended by {signal.Signals(-code).name}")
        return 128 - code  # as a shell reports it
    return code


def end(process: subprocess.Popen[bytes]) -> None:
    """Let a tool finish in its own way: it had the same Ctrl-C. Then end it."""
    try:
        process.communicate(timeout=SECONDS_TO_FINISH)
    except subprocess.TimeoutExpired:
        process.terminate()


# The commands -----------------------------------------------------------------------------------


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
    """Have conversations through a proxy that does each fault at each byte."""
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
    ruff = [str(environment.python), "-m", "ruff"]
    codes = [run([*ruff, "check", *arguments]), run([*ruff, "format", "--check", *arguments])]
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
            test, "run the tests; takes pytest's arguments", DRAWING, (*INTEROP, *ARCHIVE), skipped
        ),
        "bench": Command(
            bench,
            "run all benchmarks, or those that are named",
            DRAWING,
            (*INTEROP, *ARCHIVE),
            skipped,
        ),
        **long_forms(),
        "lint": Command(lint, "check style and format with ruff; takes files"),
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
            "have conversations with a fault at each byte; takes --every N, --jobs N, --kinds ...",
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
