"""A small stand-in for the Slicer application, in which a scripted module file runs unmodified.

    import slicerhost

    slicerhost.start()                   # from now on: import qt, ctk, slicer, as in Slicer
    module = slicerhost.load_module("IGTLMetaBrowser/IGTLMetaBrowser.py")
    module.show()                        # enter() and the main window
    QTest.mouseClick(module.widget.ui.connectButton, Qt.LeftButton)
    slicerhost.wait_until(lambda: module.widget.ui.table.enabled, 5, "the connection")
    slicerhost.screenshot(module.window, "module.png")
    module.reload()
    module.cleanup()                     # exit(), cleanup(), and the module is gone

MRML, the logics and slicer.util are Slicer's own, from slicer-core; Qt is PySide6. How far the
whole answers as a real Slicer does is measured by test_behaviour.py, with the cases of
slicer_behaviour.json; known_differences.py lists those that differ.

Import slicerhost before PySide6: the enums become ints then, as they are in Slicer, not later.

What it lacks, compared with a real Slicer:

- PythonQt and Qt 5.15. This is PySide6 and Qt 6, without what Qt 6 dropped, with what it added.
- Traps of PythonQt, into which a module falls only in a real Slicer: `isinstance(button,
  qt.QWidget)` is False (use `inherits`); keyword arguments to Qt's constructors are refused; a
  model handed to `setModel` without a Python reference is lost; `setData([1, 2])` comes back as a
  tuple; `QTcpSocket.write` spoils a bytearray; a QThread crashes; Python threads starve.
- Signatures as strings: `button.connect("clicked()", f)` works there but not here.
- An exception in an overridden virtual method, such as the `sort` of a model, is printed there.
  Here it is raised in the Python code that called Qt, if there is any; a TypeError may crash.
- Views: `slicer.app.layoutManager()` has none until one is plugged in with `setLayoutManager`.
- All widgets of CTK and of Slicer but those of ctk_widgets.py. Node selectors are missing.
- Other modules. `slicer.modules` holds the loaded module and the logics of colors, markups,
  subjecthierarchy and volumes. No DICOM, extensions manager, slicer.packaging, ioManager, Python
  console, error log. Of SampleData there is the list of registered sources, no more.
- Crashes: what would crash Slicer when it exits fails the test, see fixtures.crashing_objects.
  What destroyed widgets kept alive is let go a moment later here; in Slicer at once, and it crashes
  if that is the last that holds a widget which is being destroyed as well (use delete() there).
- Subject hierarchy plugins: data nodes of the usual classes get an item, that is all.
- Translations: texts stay English.
- The developer's Reload & Test section: `onReload` and `onTest` are there, the buttons are not.
- Parameter nodes with lists, dicts, unions, paths, packs.
- Message boxes: `slicer.app` runs in testing mode, as in `Slicer --testing`, and logs them.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from slicerhost import pythonqt
from slicerhost.testing import collect_slot_errors, screenshot, slot_errors, wait_until

if TYPE_CHECKING:
    from slicerhost.module_loader import LoadedModule

__all__ = ["LoadedModule", "load_module", "screenshot", "slot_errors", "start", "wait_until"]

pythonqt.prepare()


def start(testing: bool = True) -> Any:
    """Start the application, once in a process, and return the module `slicer`.

    Off screen where there is no display. `testing` is what `slicer.app.testingEnabled()` answers.
    Raises RuntimeError if PySide6 was imported before slicerhost, or if a QApplication is there.
    """
    import slicer

    if hasattr(slicer, "app"):
        return slicer
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    pythonqt.install()
    _fill_slicer_module(slicer)

    from slicerhost import application, scene

    slicer.app = application.Application(testing)
    scene.install(slicer.app.applicationLogic(), slicer.modules)
    collect_slot_errors()
    return slicer


def load_module(path: str | os.PathLike[str]) -> LoadedModule:
    """Load a scripted module file into the running stand-in, see `module_loader.load_module`."""
    from slicerhost import module_loader

    return module_loader.load_module(path)


def _fill_slicer_module(slicer: ModuleType) -> None:
    """Add what slicer-core lacks. Imports are here as these modules need `qt`, some also `ctk`."""
    from slicerhost import ctk_widgets

    ctk_widgets.install()
    slicer.modules = ModuleType("slicer.modules")
    slicer.selfTests = {}
    from slicerhost import i18n, module_loader, parameter_node, sample_data, scripted_module

    slicer.qMRMLWidget = ctk_widgets.qMRMLWidget
    slicer.qSlicerScriptedLoadableModule = module_loader.qSlicerScriptedLoadableModule
    slicer.qSlicerScriptedLoadableModuleWidget = module_loader.qSlicerScriptedLoadableModuleWidget
    submodules = {
        "i18n": i18n,
        "modules": slicer.modules,
        "parameterNodeWrapper": parameter_node,
        "ScriptedLoadableModule": scripted_module,
    }
    for name, submodule in submodules.items():
        setattr(slicer, name, submodule)
        sys.modules[f"slicer.{name}"] = submodule
    sys.modules["SampleData"] = sample_data


def __getattr__(name: str) -> Any:
    if name == "LoadedModule":  # its file needs `qt`, which is there after start()
        from slicerhost import module_loader

        return module_loader.LoadedModule
    raise AttributeError(f"slicerhost has no attribute {name}")
