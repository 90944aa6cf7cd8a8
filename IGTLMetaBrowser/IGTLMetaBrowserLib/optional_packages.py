"""Packages that may be missing, or too old: an older one fails in the middle of something.

Only what a user can have in an older version is named here: Slicer brings some of them, other
extensions install some, and pip replaces none without being told.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec

OLDEST = {
    "SimpleITK": "2.4",  # earlier ones have other lengths and places of NIfTI volumes
    "dicomweb_client": "0.60",
    "gdcm": "3.0.25",  # earlier ones decode what is damaged to whatever is in memory
    "highdicom": "0.27",  # earlier ones leave the images out of a plan's evidence
    "pydicom": "3",
    "pynetdicom": "3",
    "rich": "12.3",  # earlier ones have not all columns of the progress
}
"""The oldest versions, by module, that are enough; the same as in ``pyproject.toml``."""

_OTHER_NAMES = {"gdcm": "python-gdcm"}  # by which pip knows them


def is_installed(module: str) -> bool:
    """Whether a package is there, and new enough; it is not loaded."""
    return find_spec(module) is not None and _numbers(_version_of(module)) >= _numbers(
        OLDEST[module]
    )


def is_usable(module: str) -> bool:
    """Whether a package is there, new enough, and can be loaded."""
    try:
        import_module(module)
    except ImportError:
        return False
    return is_installed(module)


def requirement(module: str) -> str:
    """Return how pip is told of a package: ``pydicom>=3``."""
    return f"{_name(module)}>={OLDEST[module]}"


def pip_command(*modules: str) -> str:
    """Return what installs packages, or replaces them if they are too old."""
    return " ".join(["pip install", *(f'"{requirement(module)}"' for module in modules)])


def _name(module: str) -> str:
    return _OTHER_NAMES.get(module, module.replace("_", "-"))


def _version_of(module: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(_name(module))
    except PackageNotFoundError:  # who has put it there without pip knows why
        return OLDEST[module]
    except OSError:  # no file can be opened now: what opens the next one says so
        return OLDEST[module]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.match(r"[\d.]*", version)[0].split(".") if number]
