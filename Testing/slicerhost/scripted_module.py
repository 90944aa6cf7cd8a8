"""Stand-in for slicer.ScriptedLoadableModule: the base classes of a scripted module file."""

from __future__ import annotations

import importlib
import logging
import unittest
from pathlib import Path
from typing import Any

import qt
import slicer

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
]


class ScriptedLoadableModule:
    """The module's description; `parent`, a slicer.qSlicerScriptedLoadableModule, carries it."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        for extension in (".svg", ".png"):
            icon = Path(self.resourcePath(f"Icons/{self.moduleName}{extension}"))
            if icon.is_file():
                parent.icon = qt.QIcon(str(icon))
                break
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        return _resource_path(self.parent.path, filename)

    def runTest(self, msec: int = 100, **arguments: Any) -> None:
        """Run the self-test as the module's Reload & Test button does."""
        module = importlib.import_module(type(self).__module__)
        test = getattr(module, self.moduleName + "Test")()
        test.messageDelay = msec
        test.runTest(**arguments)


class ScriptedLoadableModuleWidget:
    """The module's window, built into `parent`, a slicer.qSlicerScriptedLoadableModuleWidget."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue(
            "Developer/DeveloperMode", False, converter=slicer.util.toBool
        )
        self.parent = parent or _top_level_widget()
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect(
            "moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded
        )

    def resourcePath(self, filename: str) -> str:
        return _resource_path(slicer.util.modulePath(self.moduleName), filename)

    def setup(self) -> None:
        """To be extended by the module. In a real Slicer it makes the Reload & Test section."""

    def cleanup(self) -> None:
        """To be overridden by the module: called before a reload and when Slicer is closed."""

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)

    def onTest(self, **arguments: Any) -> None:
        with slicer.util.tryWithErrorDisplay("Test failed."):
            slicer.selfTests[self.moduleName](**arguments)

    def onReloadAndTest(self, **arguments: Any) -> None:
        with slicer.util.tryWithErrorDisplay("Reload and Test failed."):
            self.onReload()
            slicer.selfTests[self.moduleName](**arguments)

    def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
        # The name is Slicer's: slicer.util.reloadScriptedModule disconnects a method so called.
        if moduleName == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect(
                "moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded
            )


def _resource_path(module_path: str, filename: str) -> str:
    return str(Path(module_path).parent / "Resources" / filename)


def _top_level_widget() -> Any:
    widget = slicer.qMRMLWidget()
    widget.setLayout(qt.QVBoxLayout())
    widget.setMRMLScene(slicer.mrmlScene)
    return widget


class ScriptedLoadableModuleLogic:
    """The module's logic. It has one parameter node, or more if not `isSingletonParameterNode`."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> slicer.vtkMRMLScriptedModuleNode:
        nodes = self.getAllParameterNodes()
        return nodes[0] if nodes else slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[slicer.vtkMRMLScriptedModuleNode]:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> slicer.vtkMRMLScriptedModuleNode:
        node = slicer.vtkMRMLScriptedModuleNode()
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """The module's self-test: `runTest` runs every method whose name starts with "test"."""

    messageDelay = 100

    def delayDisplay(
        self, message: str, requestedDelay: int | None = None, msec: int | None = None
    ) -> None:
        slicer.util.delayDisplay(message, self.messageDelay)

    def runTest(self) -> None:
        self.setUpClass()
        for name in self._test_names():
            self.setUp()
            logging.info("Running %s", name)
            getattr(self, name)()
            self.tearDown()  # as in a real Slicer, not called after a failure
        self.tearDownClass()

    def _test_names(self) -> list[str]:
        return [
            name for name in dir(self) if name.startswith("test") and callable(getattr(self, name))
        ]
