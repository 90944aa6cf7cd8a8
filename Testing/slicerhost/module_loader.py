"""Loads a scripted module file as Slicer does, and drives its life cycle."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import qt
import slicer

from slicerhost.ctk_widgets import qMRMLWidget
from slicerhost.pythonqt import stands_in_for_cxx
from slicerhost.pythonqt_lifetime import release_destroyed


class qSlicerScriptedLoadableModule:
    """What a module's description fills in as `parent`; also `slicer.modules.<lower-case name>`."""

    # No other attributes, as for all classes that Slicer wraps from C++.
    __slots__ = (
        "_widget",
        "acknowledgementText",
        "associatedNodeTypes",
        "categories",
        "contributors",
        "dependencies",
        "helpText",
        "hidden",
        "icon",
        "index",
        "name",
        "path",
        "title",
    )

    def __init__(self, path: Path) -> None:
        self._widget: qSlicerScriptedLoadableModuleWidget | None = None
        self.name = path.stem
        self.path = str(path)
        self.title = path.stem
        self.helpText = self.acknowledgementText = ""
        self.categories: list[str] = []
        self.contributors: list[str] = []
        self.dependencies: list[str] = []
        self.associatedNodeTypes: list[str] = []
        self.icon = qt.QIcon()
        self.hidden = False
        self.index = -1

    def widgetRepresentation(self) -> qSlicerScriptedLoadableModuleWidget:
        """The module's widget, made and set up when it is asked for the first time."""
        if self._widget is None:
            self._widget = qSlicerScriptedLoadableModuleWidget(self)
            self._widget.reload()
        return self._widget

    def deleteWidget(self) -> None:
        if self._widget is not None:
            self._widget.deleteLater()
            self._widget = None


@stands_in_for_cxx
class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The real QWidget with a vertical layout that the module's widget class builds itself into."""

    def __init__(self, module: qSlicerScriptedLoadableModule) -> None:
        super().__init__()
        vars(self)["_module"] = module
        self.objectName = f"{module.name}ModuleWidget"
        self.windowTitle = module.title
        qt.QVBoxLayout(self)
        self.setMRMLScene(slicer.mrmlScene)

    def self(self) -> Any:
        """The instance of the module's widget class."""
        return vars(self)["_python_self"]

    def reload(self) -> None:
        """Make the instance anew from the class now in sys.modules, and set it up."""
        class_name = vars(self)["_module"].name + "Widget"
        widget_class = getattr(sys.modules[vars(self)["_module"].name], class_name)
        vars(self)["_python_self"] = widget_class(self)
        setattr(slicer.modules, class_name, self.self())
        self.self().setup()

    @property
    def isEntered(self) -> bool:
        return vars(self).get("_is_entered", False)

    def enter(self) -> None:
        vars(self)["_is_entered"] = True
        _call_if_there(self.self(), "enter")

    def exit(self) -> None:
        vars(self)["_is_entered"] = False
        _call_if_there(self.self(), "exit")


def _call_if_there(instance: Any, method: str) -> None:
    if hasattr(instance, method):
        getattr(instance, method)()


class LoadedModule:
    """A module that runs here. What its own methods raise is raised, not printed as in Slicer."""

    def __init__(self, module: qSlicerScriptedLoadableModule) -> None:
        self.module = module
        self.name = module.name

    @property
    def widget(self) -> Any:
        """The instance of the module's widget class, another one after a reload.

        Its `parent` is a real QWidget.
        """
        return self.module.widgetRepresentation().self()

    @property
    def window(self) -> qt.QMainWindow:
        """The main window, in whose panel the module lies once it is entered."""
        return slicer.util.mainWindow()

    def show(self, width: int = 900, height: int = 700) -> None:
        """Enter the module and show the main window in this size (pixels)."""
        self.enter()
        self.window.resize(width, height)
        self.window.show()
        slicer.app.processEvents()

    def enter(self) -> None:
        """As when the user chooses the module."""
        slicer.util.selectModule(self.name)

    def exit(self) -> None:
        """As when the user chooses another module."""
        if slicer.util.selectedModule() == self.name:
            slicer.util.selectModule("")

    def reload(self) -> None:
        """As by the Reload button: the module's own `onReload`."""
        self.widget.onReload()

    def cleanup(self) -> None:
        """As when Slicer is closed: exit, cleanup, and the module is gone."""
        self.exit()
        slicer.app.moduleManager().unload(self.name)
        self.module.deleteWidget()
        slicer.app.sendPostedEvents(None, qt.QEvent.DeferredDelete)
        release_destroyed()
        del slicer.selfTests[self.name], sys.modules[self.name]
        for attribute in (self.name.lower(), f"{self.name}Instance", f"{self.name}Widget"):
            delattr(slicer.modules, attribute)


def load_module(path: str | os.PathLike[str]) -> LoadedModule:
    """Load a scripted module file: its description is made, then its widget, which is set up.

    As in Slicer, the file's folder goes to sys.path and the module to sys.modules.

    Raises ValueError if a module of this name is loaded, AttributeError if the file lacks the class
    <name> or <name>Widget, and whatever the file itself raises.
    """
    path = Path(path).resolve()
    if slicer.app.moduleManager().module(path.stem):
        raise ValueError(f"A module {path.stem} is loaded already. Call its cleanup() first.")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    python_module = _import_file(path)
    module = qSlicerScriptedLoadableModule(path)
    setattr(slicer.modules, path.stem.lower(), module)
    setattr(slicer.modules, f"{path.stem}Instance", getattr(python_module, path.stem)(module))
    slicer.app.moduleManager().modules[path.stem] = module
    try:
        module.widgetRepresentation()
    except BaseException:
        # Slicer would go on with an empty panel; here the next test is to begin anew.
        del slicer.app.moduleManager().modules[path.stem]
        raise
    slicer.app.startupCompleted.emit()
    return LoadedModule(module)


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    python_module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = python_module
    spec.loader.exec_module(python_module)
    return python_module
