"""pytest fixtures, to be imported by conftest.py: `from slicerhost.fixtures import *`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

import slicerhost
from slicerhost import pythonqt_lifetime
from slicerhost.testing import slot_errors as collected_errors

__all__ = [
    "crashing_objects",
    "lasting_objects",
    "load_slicer_module",
    "slicer_host",
    "slot_errors",
]


@pytest.fixture(autouse=True)
def slot_errors() -> Iterator[list[BaseException]]:
    """The exceptions that slots raised in this test; those that the test does not clear fail it."""
    collected_errors.clear()
    yield collected_errors
    errors = [f"{type(error).__name__}: {error}" for error in collected_errors]
    collected_errors.clear()
    if errors:
        pytest.fail("A slot or an observer raised " + "; ".join(errors), pytrace=False)


@pytest.fixture(autouse=True)
def crashing_objects() -> Iterator[None]:
    """Fail the test if it leaves objects that crash Slicer when it exits; let go of all that leaks.

    Those are Python subclasses of Qt classes that still have a connected signal.
    """
    pythonqt_lifetime.forget()  # what tests without this fixture left is not this one's fault
    yield
    if pythonqt_lifetime.crashing_senders():
        gc.collect()
    crashing = pythonqt_lifetime.crashing_senders()
    pythonqt_lifetime.forget()
    if crashing:
        names = ", ".join(sorted(set(crashing)))
        pytest.fail(
            f"Slicer would crash when it exits: {names} still connected. Call delete() in the "
            "module's cleanup().",
            pytrace=False,
        )


@pytest.fixture(scope="module")
def lasting_objects() -> None:
    """Spare the garbage collector Slicer's modules, and what earlier files have imported.

    To look through those took longer than most tests.
    """
    slicerhost.start()
    gc.collect()
    gc.freeze()


@pytest.fixture
def slicer_host(lasting_objects: None) -> Iterator[ModuleType]:
    """The running stand-in, as the module `slicer`; scene and settings are emptied at the end.

    Python's garbage collector runs in whatever thread is the next to make an object, such as that
    of a server. A timer that is freed there stays in the event loop of this thread, and crashes it:
    so garbage is collected here only, at the end of each test.
    """
    slicer = slicerhost.start()
    gc.disable()
    yield slicer
    slicer.mrmlScene.Clear(0)
    slicer.app.settings().clear()
    gc.collect()
    gc.enable()


@pytest.fixture
def load_slicer_module(
    slicer_host: ModuleType,
) -> Iterator[Callable[[str | os.PathLike[str]], slicerhost.LoadedModule]]:
    """`slicerhost.load_module`; what it loaded is unloaded at the end of the test.

    Packages that a module has imported anew, by a reload, are then again those that the tests know.
    """
    loaded: list[slicerhost.LoadedModule] = []
    imported = dict(sys.modules)

    def load(path: str | os.PathLike[str]) -> slicerhost.LoadedModule:
        loaded.append(slicerhost.load_module(path))
        return loaded[-1]

    yield load
    for module in loaded:
        if slicer_host.app.moduleManager().module(module.name) is module.module:
            module.cleanup()
    restore_modules(imported)


def restore_modules(imported: dict[str, ModuleType]) -> None:
    """Let all import the modules that they imported before a reload, and nothing of the new ones.

    What was first imported after the reload has imported others that are new. Its package forgets
    it as well, or `from . import name` would find it there, and not import it again.
    """
    replaced = {n: m for n, m in imported.items() if sys.modules.get(n, m) is not m}
    packages = {name.partition(".")[0] for name in replaced}
    for name in sys.modules.keys() - imported.keys():
        if name.partition(".")[0] in packages:
            del sys.modules[name]
            package, _, own_name = name.rpartition(".")
            if package in imported:
                vars(imported[package]).pop(own_name, None)
    sys.modules.update(replaced)
