"""Builds programs against the OpenIGTLink C++ library, where it is installed (Debian's 1.11)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

INCLUDE_FOLDER = Path("/usr/include/openigtlink")


def why_missing() -> str | None:
    """Return why nothing can be built here, and what installs it; None where it can be built."""
    if shutil.which("g++") and INCLUDE_FOLDER.is_dir():
        return None
    return (
        "the OpenIGTLink C++ library or a C++ compiler is not installed; on Debian and Ubuntu: "
        "sudo apt-get install g++ libopenigtlink-dev"
    )


def build(source: Path, folder: Path, optimization: str = "-O2") -> Path:
    """Compile one source file into a program in ``folder``; return the program's path.

    Raises ``RuntimeError`` with the compiler's words.
    """
    program = folder / source.stem
    options = ["-std=c++17", optimization, f"-I{INCLUDE_FOLDER}"]
    result = subprocess.run(
        ["g++", *options, source, "-o", program, "-lOpenIGTLink", "-lpthread"],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"{source} does not compile:\n{result.stderr}")
    return program
