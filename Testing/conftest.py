"""What all tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Tests never open windows on the display of whoever runs them. Qt reads this when it starts.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Before any test imports PySide6: the enums become ints then, as they are in Slicer.
import pytest
from hypothesis import HealthCheck, settings

import slicerhost  # noqa: F401
from helpers.certificates import Authority
from helpers.reserved_port import ReservedPort
from IGTLMetaBrowserLib.net.client import header_versions

# Those that take longest, with what computes beside what waits for processes.
START_FIRST = (
    "cli/test_cluster.py",
    "ui/archive/test_stored_plans.py",
    "ui/archive/test_stored_segmentations.py",
    "hostile/test_mutations.py",
    "cli/test_index_command.py",
    "interop/test_exactness.py",
    "ui/archive/test_archive.py",
    "dicom_index/test_processes.py",
    "slicerhost/test_views.py",
    "cli/test_cli_store.py",
    "cli/test_cli_serve_remote.py",
    "cli/test_cli_fetch_checked.py",
    "sources/archive/test_access.py",
    "sources/archive/test_dicomweb.py",
    "cli/test_cli_serve_archive.py",
    "cli/test_cli_serve.py",
    "ui/test_exchange_with_tls.py",
    "hostile/test_faults.py",
    "ui/test_module_scripts.py",
)
settings.register_profile(
    "repeatable",
    # The same examples each time, or a change would fail for what was there before. The long forms
    # draw others, see ``helpers.any_order``.
    derandomize="SEQUENCES" not in os.environ,
    # How long a test takes, and to draw its examples, a busy machine decides.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")
FOLDER = Path(__file__).resolve().parent
PLACES = {FOLDER / name: place for place, name in enumerate(START_FIRST)}


def pytest_configure(config: pytest.Config) -> None:
    """Keep xdist from an order of its own, by the number of tests: files with few take longest.

    On a fresh machine, pytest rewrites and compiles the files: each of the processes that xdist
    runs begins with others, and finds there what the others have compiled.
    """
    config.option.loadscopereorder = False
    worker = getattr(config, "workerinput", None)
    if worker and [Path(argument).resolve() for argument in config.args] == [FOLDER]:
        folders = sorted(str(path) for path in FOLDER.iterdir() if _may_have_tests(path))
        number = int(worker["workerid"].removeprefix("gw"))
        first = len(folders) * number // worker["workercount"]
        config.args = folders[first:] + folders[:first]


def _may_have_tests(path: Path) -> bool:
    return path.match("test_*.py") or (path.is_dir() and path.name != "__pycache__")


def pytest_collection() -> None:
    """Spare the garbage collector what is imported and collected, a quarter of the time that takes.

    All of it stays, so that there is nothing to find.
    """
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: one that starts last keeps one process busy, and no other."""
    items.sort(key=lambda item: (PLACES.get(item.path, len(PLACES)), item.path))


def pytest_collection_finish() -> None:
    """Spare the garbage collector the modules and the thousands of tests: they stay to the end.

    The fixture `slicer_host` collects after each test, which took longer than most of those.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def reserved_port() -> Iterator[int]:
    """Return a port for a server that ends and comes again: nobody else is given it meanwhile."""
    port = ReservedPort()
    yield port.number
    port.close()


@pytest.fixture
def scene() -> Any:
    """An empty scene with the selection and interaction nodes that every scene of Slicer has."""
    import slicer

    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)  # adds them; markups look for them
    return scene


@pytest.fixture
def sequences(scene: Any) -> Any:
    """The logic of Slicer's module Sequences, which also lets the scene know its nodes."""
    import slicer

    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(scene)
    return logic


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority whose certificates the two ends of a connection may trust."""
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _no_server_is_known() -> None:
    """Let no test know which header version another test's server spoke on the same port."""
    header_versions.known_servers.clear()
