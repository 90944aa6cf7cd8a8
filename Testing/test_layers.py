"""The layers: no module may import what lies above it, or what only some packages may use.

Reads the imports from the sources, without running them, so that it holds for modules that only
Slicer can load.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

TESTING = Path(__file__).resolve().parent
IMPORT_ROOT = TESTING.parent / "IGTLMetaBrowser"
LIB = "IGTLMetaBrowserLib"
MODULE_FILE = "IGTLMetaBrowser"

LAYERS = {
    "file_version": -1,
    "held_file": -1,
    "lengths": -1,
    "optional_packages": -1,
    "own_program": -1,
    "person_names": -1,
    "regular_file": -1,
    "system_errors": -1,
    "turns": -1,
    "utf8": -1,
    "whole_file": -1,
    "codec": 0,
    "dicom_index": 0,
    "signal": 0,
    "net": 1,
    "metadata": 1,
    "privacy": 2,
    "sources": 3,
    "scene": 3,
    "browser": 4,
    "cli": 5,
    "ui": 5,
    MODULE_FILE: 6,
}

# The packages in ``sources``: each imports only from those before it, and the files beside them.
SOURCES = ("dicom", "archive", "documents", "plain_volumes")
# Those in ``net`` import only the files beside them, which import none of them.
NET = ("client", "server", "recording", "probe")
# Those in ``browser``: each imports only from those before it.
BROWSER = ("lists", "images", "downloads")

GIVE_LAYER = f"if it is new, give it a layer in {Path(__file__).name}"

# Two packages of one layer, of which one may use the other, but never the other way round: the
# source that serves a scene reads it with the package for scenes; and whoever writes files knows
# what is none.
BESIDE = {
    (f"{LIB}.sources.scene", "scene"),
    (f"{LIB}.whole_file", "regular_file"),
    (f"{LIB}.held_file", "whole_file"),
}

WITH_QT = (f"{LIB}.ui", MODULE_FILE)
WITH_SLICER = (f"{LIB}.scene", f"{LIB}.sources.scene", f"{LIB}.browser", *WITH_QT)
ANYWHERE = (LIB, MODULE_FILE)
DICOMWEB = (f"{LIB}.sources.archive.dicomweb",)
# What is not in the standard library, and the modules and packages that may import it.
MAY_IMPORT = {
    "numpy": ANYWHERE,
    "fastcrc": (f"{LIB}.codec",),
    "vtk": WITH_SLICER,
    "vtkmodules": WITH_SLICER,
    "slicer": WITH_SLICER,
    "qt": WITH_QT,
    "ctk": WITH_QT,
    "SampleData": WITH_QT,
    "pydicom": ANYWHERE,
    "highdicom": ANYWHERE,
    "nibabel": ANYWHERE,
    "pyarrow": (f"{LIB}.dicom_index",),
    "distributed": (f"{LIB}.cli",),
    "nrrd": ANYWHERE,
    "prometheus_client": (f"{LIB}.cli",),
    "SimpleITK": (f"{LIB}.sources.plain_volumes.itk_reading",),
    "rich": ANYWHERE,
    "dicomweb_client": DICOMWEB,
    "requests": DICOMWEB,
    "urllib3": DICOMWEB,
    "pynetdicom": (
        f"{LIB}.sources.archive.dimse.dimse_archive",
        f"{LIB}.sources.archive.dimse.association",
        f"{LIB}.sources.archive.dimse.watch",
    ),
}
# They may be missing where the module is loaded, so only the function that needs one imports it.
ONLY_IN_FUNCTIONS = {
    "pydicom",
    "highdicom",
    "nibabel",
    "pyarrow",
    "distributed",
    "nrrd",
    "rich",
    "SimpleITK",
    "prometheus_client",
    "dicomweb_client",
    "requests",
    "urllib3",
    "pynetdicom",
}

# Python threads starve in Slicer, and MRML nodes are not to be touched from one.
THREADS = {"threading", "_thread", "concurrent", "multiprocessing"}
# But for the commands ``index`` and ``serve``, which read and decode files in several processes,
# and never inside Slicer.
WITH_PROCESSES = (f"{LIB}.dicom_index.workers", f"{LIB}.sources.dicom.pixels.decoding")
# What starts them is not loaded before.
PROCESSES = f"{LIB}.dicom_index.process_executor"
# An archive is asked, and a folder scanned, by threads of the command ``serve``.
WITH_THREADS = (f"{LIB}.sources.archive", f"{LIB}.sources.background")
# And for the look-up of a host's name, which the system offers as a blocking call only. Its thread
# does nothing else, and is waited for by looking at it every 50 ms, which also lets it run. The one
# of a worker process, or of the command ``serve``, ends it with the process that started it.
# What the threads of an archive fill together has a lock; so has the process that ITK runs in.
WITH_A_THREAD = (
    f"{LIB}.cli.serving",
    f"{LIB}.net.host_lookup",
    f"{LIB}.sources.archive",
    f"{LIB}.sources.background",
    PROCESSES,
    f"{LIB}.sources.plain_volumes.itk_process",
)
# The codec does no I/O and does not look at the clock.
INPUT_OUTPUT = (
    {"io", "os", "pathlib", "shutil", "tempfile", "mmap", "zipfile", "sqlite3"}
    | {"socket", "socketserver", "ssl", "select", "selectors", "asyncio", "http", "urllib"}
    | {"signal", "subprocess", "time"}
)


@dataclass(frozen=True)
class Import:
    """One imported name, with the whole path to it, and where it stands."""

    name: str
    line: int
    in_function: bool
    for_types_only: bool


def imports(source: str, module: str, is_package: bool) -> Iterator[Import]:
    """Yield what ``source``, the text of ``module``, imports, relative imports resolved."""
    package = module.split(".") if is_package else module.split(".")[:-1]

    def absolute(node: ast.ImportFrom) -> str:
        if node.level > len(package):
            raise ValueError(f"line {node.lineno}: a relative import leaves the package")
        parents = package[: len(package) - node.level + 1] if node.level else []
        return ".".join([*parents, *filter(None, [node.module])])

    def walk(node: ast.AST, in_function: bool, for_types_only: bool) -> Iterator[Import]:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{absolute(node)}.{alias.name}" for alias in node.names]
        for name in names:
            yield Import(name, node.lineno, in_function, for_types_only)
        in_function |= isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for_types_only |= isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, in_function, for_types_only)

    yield from walk(ast.parse(source), False, False)


def test_contributing_has_the_same_layers() -> None:
    text = (IMPORT_ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^[ │├└─]*(\w+)(?:/|\.py) +(−?\d) ", text)
    assert {name: int(number.replace("−", "-")) for name, number in rows} == LAYERS


def package_of(name: str) -> str | None:
    """Return the package a dotted name lies in; None if it is not of this project."""
    first, _, rest = name.partition(".")
    if first == LIB:
        return rest.partition(".")[0]
    return MODULE_FILE if first == MODULE_FILE else None


def is_in(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def complaint(module: str, imported: Import) -> str | None:
    """Return what is wrong with ``module`` importing this; None if nothing is."""
    target = package_of(imported.name)
    if target is None:
        return complaint_from_outside(module, imported)
    if is_in(imported.name, (PROCESSES,)) and not (imported.in_function or imported.for_types_only):
        return f"no threads, so {PROCESSES} is imported in a function"
    here = package_of(module)
    if here == target == "sources":
        return complaint_among_sources(module, imported.name)
    if here == target == "net":
        return complaint_in_net(module, imported.name)
    if here == target == "browser":
        return complaint_in_browser(module, imported.name)
    if target in ("", here):
        return None
    if target not in LAYERS:
        return f"no package is called {target!r}; {GIVE_LAYER}"
    if (here, target) == ("scene", "net"):
        return "scene never imports net"
    if (module, target) in BESIDE:
        return None
    if here and LAYERS[target] >= LAYERS[here]:
        return f"{here} (layer {LAYERS[here]}) imports {target} (layer {LAYERS[target]})"
    return None if here else f"the package itself imports nothing, so not {target}"


def complaint_among_sources(module: str, target: str) -> str | None:
    """Return what is wrong with a source's importing ``target``, a module of the project."""
    here, there = module.split(".")[2], target.split(".")[2]
    if here == there or there not in SOURCES:
        return None
    if here not in SOURCES or SOURCES.index(there) > SOURCES.index(here):
        return f"sources.{here} imports sources.{there}, which is above it"
    return None


def complaint_in_net(module: str, target: str) -> str | None:
    """Return what is wrong with importing ``target`` in ``net``, whose __init__ offers all."""
    here, there = [*module.split("."), ""][2], target.split(".")[2]
    if there in NET and here not in ("", there):
        return f"net.{here} imports net.{there}, but they share only what is beside them"
    return None


def complaint_in_browser(module: str, target: str) -> str | None:
    """Return what is wrong with importing ``target`` in ``browser``."""
    here, there = [*module.split("."), ""][2], target.split(".")[2]
    if {here, there} <= {*BROWSER} and BROWSER.index(there) > BROWSER.index(here):
        return f"browser.{here} imports browser.{there}, which is above it"
    return None


def complaint_from_outside(module: str, imported: Import) -> str | None:
    """Return what is wrong with importing something that is not of this project."""
    package = imported.name.partition(".")[0]
    is_late = imported.in_function or imported.for_types_only
    may_start_processes = (
        package in ("concurrent", "multiprocessing")
        and (is_late or module == PROCESSES)
        and is_in(module, (PROCESSES, *WITH_PROCESSES, *WITH_THREADS))
    )
    may_start_a_thread = package in ("threading", "_thread") and is_in(module, WITH_A_THREAD)
    if may_start_a_thread:
        return None
    if package in THREADS and not may_start_processes:
        return f"no threads, so no {package}"
    if is_in(module, (f"{LIB}.codec",)) and package in INPUT_OUTPUT:
        return f"the codec does no I/O, so no {package}"
    if package in sys.stdlib_module_names:
        return None
    if package not in MAY_IMPORT:
        return f"{package} is neither bundled with Slicer nor named in pyproject.toml"
    if not is_in(module, MAY_IMPORT[package]):
        return f"{package} may only be imported in {', '.join(MAY_IMPORT[package])}"
    if is_in(module, (f"{LIB}.codec",)) and package not in ("numpy", "fastcrc"):
        return f"the codec needs the standard library and numpy alone, so no {package}"
    if package in ONLY_IN_FUNCTIONS and not (imported.in_function or imported.for_types_only):
        return f"{package} is imported at file scope, but may be missing: import it in a function"
    return None


def complaints(source: str, path: str) -> list[str]:
    """Return all that is wrong with the imports of the file at ``path`` below the import root."""
    is_package = path.endswith("/__init__.py")
    module = path.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
    if package_of(module) not in {"", *LAYERS}:
        return [f"{path} is in no package; {GIVE_LAYER}"]
    found = [(i.line, complaint(module, i)) for i in imports(source, module, is_package)]
    return [f"{path}:{line}: {text}" for line, text in found if text]


FILES = sorted(file.relative_to(IMPORT_ROOT).as_posix() for file in IMPORT_ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES)
def test_imports_only_from_lower_layers(path: str) -> None:
    assert complaints((IMPORT_ROOT / path).read_text(encoding="utf-8"), path) == []


def test_no_modules_import_each_other() -> None:
    """Not through others either; for types alone, two may."""
    modules = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in FILES
    }
    graph = {}
    for module, path in modules.items():
        source = (IMPORT_ROOT / path).read_text(encoding="utf-8")
        found = imports(source, module, path.endswith("/__init__.py"))
        names = {one.name for one in found if not one.for_types_only}
        names |= {name.rpartition(".")[0] for name in names - {*modules}}  # of what a module has
        graph[module] = names & {*modules}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_what_tests_share_is_in_no_file_of_tests() -> None:
    """Who changes a test would break others, which are not beside it."""
    for file in TESTING.rglob("*.py"):
        module = ".".join(file.relative_to(TESTING).with_suffix("").parts)
        found = imports(file.read_text(encoding="utf-8"), module, False)
        names = [one.name for one in found if re.search(r"(^|\.)test_", one.name)]
        assert names == [], file


def test_all_files_are_found() -> None:
    assert f"{LIB}/__init__.py" in FILES
    assert f"{LIB}/codec/__init__.py" in FILES


@pytest.mark.parametrize(
    ("path", "source", "words"),
    [
        ("codec/wire.py", "from IGTLMetaBrowserLib import net", "codec (layer 0) imports net"),
        ("codec/wire.py", "from IGTLMetaBrowserLib.net import client", "codec (layer 0)"),
        ("codec/wire.py", "import IGTLMetaBrowserLib.net.client", "codec (layer 0)"),
        ("codec/wire.py", "from ..net import client", "codec (layer 0)"),
        ("codec/__init__.py", "from .. import net", "codec (layer 0)"),
        ("codec/messages/image.py", "from ...net.client import Client", "codec (layer 0)"),
        ("codec/wire.py", "def f():\n    from .. import net", "wire.py:2: codec (layer 0)"),
        ("net/client/x.py", "from ...metadata import modules", "net (layer 1) imports metadata"),
        ("net/client/x.py", "from ..server import answers", "net.client imports net.server"),
        ("net/tls/x.py", "from ..client import session", "net.tls imports net.client"),
        ("metadata/modules.py", "from .. import net", "metadata (layer 1) imports net"),
        ("scene/volumes.py", "from ..net import client", "scene never imports net"),
        ("scene/volumes.py", "from ..sources import demo", "scene (layer 3) imports sources"),
        ("sources/demo.py", "from ..scene import volumes", "sources (layer 3) imports scene"),
        (
            "sources/dicom/x.py",
            "from ..archive import dimse",
            "imports sources.archive",
        ),
        ("sources/demo.py", "from .dicom import folder", "imports sources.dicom"),
        ("browser/lists/x.py", "from ..images import y", "browser.lists imports browser.images"),
        ("browser/browser.py", "from .. import cli", "browser (layer 4) imports cli"),
        ("browser/browser.py", "from ..ui import panels", "browser (layer 4) imports ui"),
        ("ui/panels.py", "import IGTLMetaBrowser", "ui (layer 5) imports IGTLMetaBrowser"),
        ("net/client.py", "from .. import attic", "no package is called 'attic'"),
        ("attic.py", "", "attic.py is in no package"),
        ("__init__.py", "from . import codec", "the package itself imports nothing"),
        ("browser/browser.py", "import qt", "qt may only be imported in"),
        ("scene/volumes.py", "import ctk", "ctk may only be imported in"),
        ("net/client.py", "import slicer", "slicer may only be imported in"),
        ("sources/demo.py", "from slicer import vtkMRMLScene", "slicer may only be imported in"),
        ("metadata/modules.py", "from vtk.util import numpy_support", "vtk may only be"),
        ("codec/receiver.py", "import socket", "the codec does no I/O"),
        ("codec/receiver.py", "from time import monotonic", "the codec does no I/O"),
        (
            "codec/receiver.py",
            "def f():\n    import pydicom",
            "the codec needs the standard library",
        ),
        ("net/server.py", "import threading", "no threads"),
        ("ui/pump.py", "from concurrent.futures import ThreadPoolExecutor", "no threads"),
        ("dicom_index/index.py", "def f():\n    import multiprocessing", "no threads"),
        ("dicom_index/workers.py", "import multiprocessing", "no threads"),
        ("dicom_index/workers.py", "from .process_executor import ProcessExecutor", "no threads"),
        ("sources/dicom/folder.py", "import pydicom", "pydicom is imported at file scope"),
        ("cli/main.py", "class Table:\n    import rich", "rich is imported at file scope"),
        (
            "cli/main.py",
            "try:\n    import nrrd\nexcept ImportError:\n    pass",
            "nrrd is imported at",
        ),
        ("cli/main.py", "def f():\n    import httpx", "httpx is neither bundled"),
        ("ui/panels.py", "from slicerhost import pythonqt", "slicerhost is neither bundled"),
    ],
)
def test_a_wrong_import_is_found(path: str, source: str, words: str) -> None:
    (found,) = complaints(source, f"{LIB}/{path}")
    assert words in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("codec/crc64.py", "try:\n    import fastcrc\nexcept ImportError:\n    fastcrc = None"),
        ("codec/messages/image.py", "import numpy as np\nfrom ..wire import Reader\nimport struct"),
        (
            "net/client/client.py",
            "import socket, time\nfrom ... import codec\nfrom ..connection import Connection",
        ),
        ("sources/dicom/folder.py", "def f():\n    import pydicom, highdicom"),
        (
            "sources/dicom/folder.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pydicom",
        ),
        ("sources/scene.py", "import slicer, vtk\nfrom ..scene import volumes"),
        ("dicom_index/workers.py", "def f():\n    import multiprocessing"),
        ("net/host_lookup.py", "import threading"),
        ("browser/browser.py", "from .. import codec\nfrom ..scene import volumes\nimport slicer"),
        (
            "cli/main.py",
            "from ..net.client import Client\ndef f():\n    from rich.table import Table",
        ),
        (
            "ui/panels.py",
            "import qt, ctk\nfrom ..browser import Browser\nimport IGTLMetaBrowserLib",
        ),
    ],
)
def test_a_right_import_is_not_complained_of(path: str, source: str) -> None:
    assert complaints(source, f"{LIB}/{path}") == []


def test_the_module_file_may_import_all_below_it_but_no_threads() -> None:
    source = "import qt, slicer, vtk\nfrom IGTLMetaBrowserLib.ui import panels\n"
    assert complaints(source, "IGTLMetaBrowser.py") == []
    assert complaints(source + "import threading", "IGTLMetaBrowser.py") == [
        "IGTLMetaBrowser.py:3: no threads, so no threading"
    ]


def test_a_relative_import_that_leaves_the_package_is_found() -> None:
    with pytest.raises(ValueError, match="line 1: a relative import leaves the package"):
        complaints("from ....net import client", f"{LIB}/codec/wire.py")
