"""Types that are imported when they are first met."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import messages
from IGTLMetaBrowserLib.codec.messages import base
from IGTLMetaBrowserLib.codec.messages.families import FAMILIES, MODULE_OF_NAME, MODULE_OF_TYPE

IMPORT_ROOT = Path(codec.__file__).parents[2]


def run(program: str) -> str:
    """Run a program in a Python of its own, where nothing is imported yet; return its output."""
    preface = f"import sys; sys.path.insert(0, {str(IMPORT_ROOT)!r})\n"
    command = [sys.executable, "-c", preface + program]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_every_module_of_messages_is_imported_at_once_or_is_a_family():
    parts_of_others = {"base", "items", "dispatch", "families", "pixel_swap"}
    at_once = {"image", "image_meta", "query", "status", "trajectory", "transform", "unknown"}
    modules = {module.name for module in pkgutil.iter_modules(messages.__path__)}
    assert modules == parts_of_others | at_once | set(FAMILIES)


def test_a_family_is_registered_by_one_entry():
    for module, family in FAMILIES.items():
        found = import_module(f"{messages.__name__}.{module}")
        registered = {
            message_class.wire_type
            for message_class in vars(found).values()
            if isinstance(message_class, type)
            and message_class.__module__ == found.__name__
            and "wire_type" in vars(message_class)
        }
        assert registered == set(family.types)
        assert all(getattr(found, name).__module__ == found.__name__ for name in family.names)


@pytest.mark.parametrize(("type_name", "module"), MODULE_OF_TYPE.items())
def test_a_type_is_read_by_the_class_of_its_module(type_name: str, module: str):
    message_class = base.registered_class(type_name)
    assert message_class.wire_type == type_name
    assert message_class.__module__ == f"{messages.__name__}.{module}"


@pytest.mark.parametrize("name", codec.__all__)
def test_every_public_name_can_be_had(name: str):
    assert getattr(codec, name) is not None
    assert name in dir(codec)


def test_who_checks_types_knows_the_classes_that_are_imported_later():
    """To a type checker, what ``__getattr__`` returns could be anything, misspelled names too."""
    tree = ast.parse(Path(codec.__file__).read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.name: node.module.rpartition(".")[2]
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    of_units = dict.fromkeys(("SIPrefix", "SIUnit", "Unit"), "unit")
    assert imported == MODULE_OF_NAME | of_units
    assert set(imported) <= set(codec.__all__)


def test_the_codec_loads_neither_slicer_nor_pydicom_nor_families_that_nobody_met():
    loaded = run("from IGTLMetaBrowserLib import codec; print(*sys.modules)").split()
    others = {name.split(".")[0] for name in loaded} & {
        "slicer",
        "pydicom",
        "vtk",
        "qt",
        "vtkmodules",
    }
    assert not others
    assert f"{messages.__name__}.image" in loaded
    assert f"{messages.__name__}.polydata" not in loaded


def test_the_first_message_of_a_type_is_read_like_any_other():
    data = codec.pack(codec.PositionMessage(position=(1.0, 2.0, 3.0)))
    program = f"from IGTLMetaBrowserLib import codec; print(codec.unpack({data!r}).position)"
    assert run(program).strip() == "(1.0, 2.0, 3.0)"


def test_a_class_of_the_application_keeps_its_type_when_the_family_is_imported_later():
    program = """
from IGTLMetaBrowserLib import codec
@codec.register
class MyString(codec.UnknownMessage):
    wire_type = "STRING"
message = codec.StringMessage("text")
print(type(codec.unpack(codec.pack(message))).__name__)
"""
    assert run(program).strip() == "MyString"
