"""A scripted module runs in the stand-in: its life cycle, its .ui file, its parameter node."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import slicerhost

MODULE = """
import qt
import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin
from typing import Annotated


class Sample(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Sample module")
        parent.categories = ["IGT"]


@parameterNodeWrapper
class SampleParameters:
    host: str = "localhost"
    port: Annotated[int, WithinRange(1, 65535)] = 18944
    compress: bool = False


class SampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    calls = []  # of the class, so that what earlier instances did is seen too

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.calls.append("setup")
        window = slicer.util.loadUI(self.resourcePath("UI/Sample.ui"))
        self.layout.addWidget(window)
        self.ui = slicer.util.childWidgetVariables(window)
        window.setMRMLScene(slicer.mrmlScene)
        self.logic = SampleLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.parameters = SampleParameters(self.logic.getParameterNode())
        self.tag = self.parameters.connectGui(self.ui)
        self.ui.connectButton.clicked.connect(self.onConnect)

    def onSceneStartClose(self, caller, event):
        self.calls.append("scene closes")

    def onConnect(self):
        if not self.parameters.host:
            raise ValueError("no host")
        self.ui.statusLabel.text = f"{self.parameters.host}:{self.parameters.port}"

    def enter(self):
        self.calls.append("enter")

    def exit(self):
        self.calls.append("exit")

    def cleanup(self):
        self.calls.append("cleanup")
        self.removeObservers()
        self.parameters.disconnectGui(self.tag)


class SampleLogic(ScriptedLoadableModuleLogic):
    pass


class SampleTest(ScriptedLoadableModuleTest):
    def test_parameter_node(self):
        self.delayDisplay("Start")
        self.assertEqual(SampleLogic().getParameterNode().GetAttribute("ModuleName"), "Sample")
"""

UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0"><class>Sample</class>
<widget class="qMRMLWidget" name="Sample"><layout class="QVBoxLayout">
 <item><widget class="ctkCollapsibleButton" name="serverBox">
  <property name="text"><string>Server</string></property>
  <layout class="QFormLayout">
   <item row="0" column="1"><widget class="QLineEdit" name="hostEdit">
    <property name="SlicerParameterName" stdset="0"><string>host</string></property></widget></item>
   <item row="1" column="1"><widget class="QSpinBox" name="portSpinBox">
    <property name="SlicerParameterName" stdset="0"><string>port</string></property></widget></item>
   <item row="2" column="1"><widget class="QCheckBox" name="compressBox">
    <property name="SlicerParameterName" stdset="0"><string>compress</string></property>
   </widget></item>
  </layout></widget></item>
 <item><widget class="QPushButton" name="connectButton">
  <property name="text"><string>Connect</string></property></widget></item>
 <item><widget class="QLabel" name="statusLabel"/></item>
</layout></widget>
<customwidgets>
 <customwidget><class>qMRMLWidget</class><extends>QWidget</extends><header>qMRMLWidget.h</header>
  <container>1</container></customwidget>
 <customwidget><class>ctkCollapsibleButton</class><extends>QWidget</extends>
  <header>ctkCollapsibleButton.h</header><container>1</container></customwidget>
</customwidgets></ui>
"""

LoadModule = Callable[[Path], "slicerhost.LoadedModule"]


@pytest.fixture
def module_file(tmp_path: Path) -> Path:
    (tmp_path / "Resources" / "UI").mkdir(parents=True)
    (tmp_path / "Resources" / "UI" / "Sample.ui").write_text(UI, encoding="utf-8")
    (tmp_path / "Sample.py").write_text(MODULE, encoding="utf-8")
    return tmp_path / "Sample.py"


@pytest.fixture
def sample(module_file: Path, load_slicer_module: LoadModule) -> slicerhost.LoadedModule:
    module = load_slicer_module(module_file)
    module.show()
    return module


def click(widget: object) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def press_key(widget: object, key: str) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.keyClick(widget, getattr(Qt.Key, key))


def type_text(widget: object, text: str) -> None:
    from PySide6.QtTest import QTest

    widget.clear()
    QTest.keyClicks(widget, text)


class TestLifeCycle:
    def test_a_loaded_module_is_set_up_and_found_under_slicer_modules(
        self, module_file: Path, load_slicer_module: LoadModule, slicer_host: ModuleType
    ) -> None:
        module = load_slicer_module(module_file)

        assert module.widget.calls == ["setup"]
        assert module.module.title == "Sample module"
        assert slicer_host.modules.SampleWidget is module.widget
        assert slicer_host.util.modulePath("Sample") == str(module_file)
        assert slicer_host.util.getModuleWidget("Sample") is module.widget
        assert slicer_host.util.getModuleLogic("Sample") is module.widget.logic

    def test_choosing_modules_enters_and_exits(self, sample: slicerhost.LoadedModule) -> None:
        assert sample.widget.parent.visible
        sample.exit()
        sample.enter()
        assert sample.widget.calls == ["setup", "enter", "exit", "enter"]

    def test_reload_cleans_up_and_reads_the_file_again(
        self, sample: slicerhost.LoadedModule, module_file: Path
    ) -> None:
        calls, before = sample.widget.calls, sample.widget
        module_file.write_text(
            MODULE.replace("{self.parameters.host}:", "server "), encoding="utf-8"
        )

        sample.reload()
        click(sample.widget.ui.connectButton)

        assert sample.widget is not before
        assert calls == ["setup", "enter", "cleanup"]
        assert sample.widget.ui.statusLabel.text == "server 18944"

    def test_after_cleanup_the_module_is_gone(
        self, sample: slicerhost.LoadedModule, slicer_host: ModuleType
    ) -> None:
        calls = sample.widget.calls
        sample.cleanup()
        assert calls == ["setup", "enter", "exit", "cleanup"]
        assert slicer_host.util.moduleNames() == ()
        assert not hasattr(slicer_host.modules, "SampleWidget")

    def test_a_module_observes_the_scene(
        self, sample: slicerhost.LoadedModule, slicer_host: ModuleType
    ) -> None:
        slicer_host.mrmlScene.Clear(0)
        assert sample.widget.calls[-1] == "scene closes"

    def test_the_self_test_runs(
        self, sample: slicerhost.LoadedModule, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            sample.widget.onTest()
        assert "Running test_parameter_node" in caplog.messages

    def test_what_the_file_raises_is_raised(
        self, module_file: Path, load_slicer_module: LoadModule
    ) -> None:
        module_file.write_text("1 / 0", encoding="utf-8")
        with pytest.raises(ZeroDivisionError):
            load_slicer_module(module_file)


class TestWidgets:
    def test_typing_and_clicking_go_through_qt(self, sample: slicerhost.LoadedModule) -> None:
        ui = sample.widget.ui
        type_text(ui.hostEdit, "example.org")
        type_text(ui.portSpinBox, "18945")
        click(ui.connectButton)
        assert ui.statusLabel.text == "example.org:18945"

    def test_the_parameter_node_and_the_widgets_follow_each_other(
        self, sample: slicerhost.LoadedModule
    ) -> None:
        ui, parameters = sample.widget.ui, sample.widget.parameters
        assert (ui.hostEdit.text, ui.portSpinBox.value, ui.compressBox.checked) == (
            "localhost",
            18944,
            False,
        )

        press_key(ui.compressBox, "Key_Space")
        assert parameters.compress is True
        parameters.port = 4000
        assert ui.portSpinBox.value == 4000

    def test_after_disconnect_gui_they_go_their_own_ways(
        self, sample: slicerhost.LoadedModule
    ) -> None:
        sample.widget.parameters.disconnectGui(sample.widget.tag)
        sample.widget.ui.hostEdit.text = "elsewhere"
        sample.widget.parameters.port = 1
        assert sample.widget.parameters.host == "localhost"
        assert sample.widget.ui.portSpinBox.value == 18944
        sample.widget.tag = sample.widget.parameters.connectGui(sample.widget.ui)

    def test_a_collapsible_button_hides_what_lies_in_it(
        self, sample: slicerhost.LoadedModule
    ) -> None:
        ui = sample.widget.ui
        ui.serverBox.collapsed = True
        assert not ui.hostEdit.visible
        ui.serverBox.collapsed = False
        assert ui.hostEdit.visible

    def test_a_widget_class_without_stand_in_is_an_error(
        self, slicer_host: ModuleType, tmp_path: Path
    ) -> None:
        file = tmp_path / "a.ui"
        file.write_text(UI.replace("ctkCollapsibleButton", "ctkRangeWidget"), encoding="utf-8")
        with pytest.raises(NotImplementedError, match="ctkRangeWidget"):
            slicer_host.util.loadUI(str(file))

    def test_a_picture_shows_the_window(
        self, sample: slicerhost.LoadedModule, tmp_path: Path
    ) -> None:
        from PySide6.QtGui import QImage

        slicerhost.screenshot(sample.window, tmp_path / "window.png")
        assert QImage(str(tmp_path / "window.png")).width() >= 900


class TestErrors:
    def test_an_exception_in_a_slot_is_printed_and_kept_for_the_test(
        self,
        sample: slicerhost.LoadedModule,
        slot_errors: list[BaseException],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        sample.widget.parameters.host = ""
        click(sample.widget.ui.connectButton)

        assert [str(error) for error in slot_errors] == ["no host"]
        assert "ValueError: no host" in capsys.readouterr().err
        slot_errors.clear()

    def test_error_display_is_logged_and_does_not_wait(
        self, slicer_host: ModuleType, caplog: pytest.LogCaptureFixture
    ) -> None:
        slicer_host.util.errorDisplay("The server refused.")
        assert "The server refused." in caplog.messages

    def test_wait_until_returns_when_it_happened_and_says_what_did_not(
        self, slicer_host: ModuleType
    ) -> None:
        import qt

        happened: list[bool] = []
        qt.QTimer.singleShot(20, lambda: happened.append(True))
        slicerhost.wait_until(lambda: bool(happened), 20, "the timer")
        with pytest.raises(TimeoutError, match=r"0.02 s in vain for the answer"):
            slicerhost.wait_until(lambda: False, 0.02, "the answer")


class TestApplication:
    def test_render_blockers_pause_the_plugged_in_views_once(self, slicer_host: ModuleType) -> None:
        from slicerhost.application import LayoutManager

        pauses: list[bool] = []

        class Views(LayoutManager):
            def setRenderPaused(self, paused: bool) -> None:
                pauses.append(paused)

        without_views = slicer_host.app.layoutManager()
        slicer_host.app.setLayoutManager(Views())
        with slicer_host.util.RenderBlocker(), slicer_host.util.RenderBlocker():
            assert pauses == [True]
        assert pauses == [True, False]
        slicer_host.app.setLayoutManager(without_views)

    def test_layers_can_be_set_and_fitted_without_any_view(self, slicer_host: ModuleType) -> None:
        volume = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        composite = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
        slicer_host.util.setSliceViewerLayers(background=volume, fit=True)
        slicer_host.util.resetSliceViews()
        slicer_host.util.resetThreeDViews()
        assert composite.GetBackgroundVolumeID() == volume.GetID()

    @pytest.mark.parametrize("in_batch", [False, True])
    def test_a_data_node_has_a_subject_hierarchy_item_until_it_is_removed(
        self, slicer_host: ModuleType, in_batch: bool
    ) -> None:
        scene = slicer_host.mrmlScene
        if in_batch:
            scene.StartState(scene.BatchProcessState)
        volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        if in_batch:
            scene.EndState(scene.BatchProcessState)

        hierarchy = scene.GetSubjectHierarchyNode()
        item = hierarchy.GetItemByDataNode(volume)
        assert hierarchy.GetItemName(item) == "CT"
        scene.RemoveNode(volume)
        assert hierarchy.GetItemParent(item) == hierarchy.GetInvalidItemID()

    def test_a_scene_that_is_closed_has_no_hierarchy_that_one_loaded_into_it_would_meet(
        self, slicer_host: ModuleType
    ) -> None:
        """Given a node that came after the hierarchy, and so is removed after it."""
        scene = slicer_host.mrmlScene
        scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MR")
        scene.Clear(0)
        assert scene.GetNumberOfNodesByClass("vtkMRMLSubjectHierarchyNode") == 0


class TestProcess:
    """The stand-in in a process of its own."""

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        testing = str(Path(slicerhost.__file__).parents[1])
        command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {testing!r})\n{script}"]
        # PySide6 hands its enum option, which slicerhost has set here, down to child processes.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYSIDE6_OPTION")}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def test_it_ends_cleanly_with_a_module_still_open(self, module_file: Path) -> None:
        ended = self.run(
            "import slicerhost; slicerhost.start()\n"
            f"module = slicerhost.load_module({str(module_file)!r}); module.show()\n"
            "print(module.widget.parent.visible)"
        )
        assert (ended.returncode, ended.stdout) == (0, "True\n"), ended.stderr

    def test_it_refuses_a_pyside6_that_was_imported_before_it(self) -> None:
        ended = self.run(
            "from PySide6.QtCore import Qt; Qt.SortOrder.AscendingOrder\n"
            "import slicerhost; slicerhost.start()"
        )
        assert ended.returncode == 1
        assert "Import slicerhost first" in ended.stderr


class TestEveryPythonModule:
    def test_properties_are_attributes_even_where_pyside6_is_named(
        self, slicer_host: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """PySide6 decides on features by its name in a module's source; not so here."""
        (tmp_path / "names_pyside.py").write_text(
            "# PySide6\nimport qt\ndef text(): return qt.QLabel('a').text\n", encoding="utf-8"
        )
        monkeypatch.syspath_prepend(tmp_path)
        import names_pyside

        assert names_pyside.text() == "a"

    def test_settings_lie_in_a_temporary_folder(self, slicer_host: ModuleType) -> None:
        import qt

        assert qt.QSettings().fileName().startswith(slicer_host.app.temporaryPath)
