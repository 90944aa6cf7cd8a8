"""The virtual environment of a checkout."""

import hashlib
import os
import sys
from pathlib import Path

from machine.tools import SetupError, run, say

FUZZER_RUNS_ON = "CPython 3.10 to 3.14 on Linux with an x86-64 processor"


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
        # Whoever has linked it to that of another checkout looks after it: to clear it would empty
        # the folder that the link leads to.
        is_linked = self.folder.is_symlink() and self.python.exists()
        if is_linked or self.is_ready():
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
