"""Stand-in for slicer.app: the application, its main window, modules and settings. Needs `qt`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import qt
import slicer
import vtk
from PySide6.QtCore import Signal

from slicerhost.pythonqt import stands_in_for_cxx


class LayoutManager:
    """slicer.app.layoutManager() without any view, as in `Slicer --testing` before a layout is set.

    To plug in views, override what is needed in a subclass and hand an instance to
    `slicer.app.setLayoutManager`.
    """

    layout = 0
    threeDViewCount = 0

    def setLayout(self, layout: int) -> None:
        self.layout = layout

    def viewport(self) -> Any:
        """The widget in which the views lie, or None."""
        return None

    def sliceViewNames(self) -> tuple[str, ...]:
        return ()

    def sliceWidget(self, name: str) -> Any:
        return None

    def threeDWidget(self, index: int) -> Any:
        return None

    def mrmlSliceLogics(self) -> Any:
        """A vtkCollection with the vtkMRMLSliceLogic of each slice view."""
        return vtk.vtkCollection()

    def resetSliceViews(self) -> None:
        """Fit the slice views to what they show."""

    def resetThreeDViews(self) -> None:
        """Fit the 3D views to what they show."""

    def setRenderPaused(self, paused: bool) -> None:
        """Called when the first RenderBlocker begins, and when the last one ends."""


class ModuleManager:
    """slicer.app.moduleManager(): the loaded modules by name, and one signal."""

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}
        self._listeners: list[Callable[[str], None]] = []

    def module(self, name: str) -> Any:
        return self.modules.get(name)

    def factoryManager(self) -> ModuleManager:
        return self

    def loadedModuleNames(self) -> tuple[str, ...]:
        return tuple(self.modules)

    def connect(self, signature: str, listener: Callable[[str], None]) -> None:
        self._check(signature)
        self._listeners.append(listener)

    def disconnect(self, signature: str, listener: Callable[[str], None]) -> None:
        self._check(signature)
        self._listeners.remove(listener)

    def unload(self, name: str) -> None:
        for listener in tuple(self._listeners):
            listener(name)
        del self.modules[name]

    def _check(self, signature: str) -> None:
        if signature != "moduleAboutToBeUnloaded(QString)":
            raise NotImplementedError(f"slicerhost's module manager has no signal {signature}")


class ModuleSelector:
    """The box in the tool bar by which the user chooses the module that is seen."""

    def __init__(self, panel: qt.QScrollArea) -> None:
        self.selectedModule = ""
        self._panel = panel

    def selectModule(self, name: str) -> None:
        """Leave the module that is seen, enter the one of this name ("" for none)."""
        modules = slicer.app.moduleManager().modules
        if name and name not in modules:
            raise RuntimeError(
                f"There is no module {name}, there are: {', '.join(modules) or 'none'}"
            )
        if name == self.selectedModule:
            return
        if self.selectedModule:
            left = modules[self.selectedModule].widgetRepresentation()
            left.exit()
            self._panel.takeWidget()
        self.selectedModule = name
        if name:
            entered = modules[name].widgetRepresentation()
            self._panel.setWidget(entered)
            entered.show()
            entered.enter()


@stands_in_for_cxx
class MainWindow(qt.QMainWindow):
    """What slicer.util.mainWindow() finds by its name: a window that the chosen module fills."""

    def __init__(self) -> None:
        super().__init__()
        self.objectName = "qSlicerMainWindow"
        self.windowTitle = "slicerhost"
        panel = qt.QScrollArea()
        panel.widgetResizable = True
        self.setCentralWidget(panel)
        self.statusBar()
        self._add_action("Find module", "Ctrl+F")
        self._add_action("Copy", "Ctrl+C")
        vars(self)["_selector"] = ModuleSelector(panel)

    def _add_action(self, text: str, shortcut: str) -> None:
        """Slicer's window has this shortcut, so that a module cannot have it for itself."""
        action = qt.QAction(text, self)
        action.shortcut = qt.QKeySequence(shortcut)
        self.addAction(action)

    def moduleSelector(self) -> ModuleSelector:
        return vars(self)["_selector"]


class Application(qt.QApplication):
    """slicer.app; its settings and its temporary files lie in a folder that is removed at exit."""

    startupCompleted = Signal()

    applicationName = "Slicer"
    mainApplicationName = "Slicer"
    majorVersion = 5
    minorVersion = 12
    revision = "slicerhost"

    def __init__(self, testing: bool) -> None:
        super().__init__(["slicerhost"])
        self._folder = tempfile.TemporaryDirectory(prefix="slicerhost-")
        self.temporaryPath = self._folder.name
        self.cachePath = f"{self._folder.name}/cache"
        self._use_temporary_settings()
        self._testing = testing
        self._module_manager = ModuleManager()
        self._layout_manager = LayoutManager()
        self._render_pauses = 0
        self._application_logic = slicer.vtkSlicerApplicationLogic()
        self._main_window = MainWindow()

    def _use_temporary_settings(self) -> None:
        self.setOrganizationName("slicerhost")
        self.setApplicationName("Slicer")
        qt.QSettings.setDefaultFormat(qt.QSettings.IniFormat)
        for scope in (qt.QSettings.UserScope, qt.QSettings.SystemScope):
            qt.QSettings.setPath(qt.QSettings.IniFormat, scope, self.temporaryPath)

    def testingEnabled(self) -> bool:
        return self._testing

    def applicationLogic(self) -> Any:
        return self._application_logic

    def moduleManager(self) -> ModuleManager:
        return self._module_manager

    def layoutManager(self) -> LayoutManager:
        return self._layout_manager

    def setLayoutManager(self, layout_manager: LayoutManager) -> None:
        self._layout_manager = layout_manager

    def settings(self) -> qt.QSettings:
        return qt.QSettings()

    def userSettings(self) -> qt.QSettings:
        return qt.QSettings()

    def pauseRender(self) -> None:
        self._render_pauses += 1
        if self._render_pauses == 1:
            self._layout_manager.setRenderPaused(True)

    def resumeRender(self) -> None:
        self._render_pauses -= 1
        if self._render_pauses == 0:
            self._layout_manager.setRenderPaused(False)
