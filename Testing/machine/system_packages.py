"""What the operating system must have, how it is looked for, and how it is installed."""

import ctypes
import importlib
import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from machine.tools import SetupError, run, say

EXAMPLES = Path("/usr/share/doc/openigtlink-examples/examples")
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")


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

# To hold what is written as DICOM against the standard.
VALIDATION = (Need("dciodvfy", "dicom3tools", lambda: shutil.which("dciodvfy") is not None),)


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
