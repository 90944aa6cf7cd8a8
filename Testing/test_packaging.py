"""What Slicer installs is what CMakeLists.txt names: a file that is not named is missing there."""

from __future__ import annotations

import json
import re
from pathlib import Path

TOP = Path(__file__).parents[1]
MODULE = TOP / "IGTLMetaBrowser"


def named_files(list_name: str) -> list[str]:
    """The entries of one list of the module's CMakeLists.txt."""
    text = (MODULE / "CMakeLists.txt").read_text()
    return re.search(rf"set\({list_name}\n(.*?)\)", text, re.DOTALL)[1].split()


def files_in_tree(*patterns: str) -> list[str]:
    """The module's files, relative to its folder."""
    found = {path for pattern in patterns for path in MODULE.glob(pattern)}
    return sorted(path.relative_to(MODULE).as_posix() for path in found)


def test_every_python_file_of_the_tree_is_installed() -> None:
    assert sorted(named_files("MODULE_PYTHON_SCRIPTS")) == files_in_tree(
        "*.py", "IGTLMetaBrowserLib/**/*.py"
    )


def test_who_checks_types_gets_those_of_the_package() -> None:
    """Without the mark of PEP 561, a script that imports it fails ``mypy --strict``."""
    assert (MODULE / "IGTLMetaBrowserLib" / "py.typed").exists()
    assert 'IGTLMetaBrowserLib = ["py.typed"]' in (TOP / "pyproject.toml").read_text()


def test_nothing_of_the_list_is_outside_of_a_command() -> None:
    """As what is left behind its end: CMake stops at it, and no extension is built."""
    commands_and_comments = r"\w+\([^()]*\)|#.*"
    text = (MODULE / "CMakeLists.txt").read_text()
    assert re.sub(commands_and_comments, "", text).strip() == ""


def test_every_resource_of_the_tree_is_installed() -> None:
    assert sorted(named_files("MODULE_PYTHON_RESOURCES")) == files_in_tree("Resources/**/*.*")


def test_the_project_has_the_name_of_its_catalog_entry() -> None:
    (entry,) = (TOP / "Resources").glob("*.json")
    assert f"project({entry.stem})" in (TOP / "CMakeLists.txt").read_text()
    assert json.loads(entry.read_text())["category"] == "IGT"
