"""What crashes a real Slicer, or keeps it from opening a module, is an error in the stand-in."""

from __future__ import annotations

import pytest
import shiboken6

import slicerhost
from slicerhost import pythonqt_lifetime


@pytest.fixture
def model(slicer_host):
    import qt

    class Model(qt.QAbstractTableModel):
        pass

    return Model()


def test_a_python_model_with_a_connected_signal_crashes_slicer(model):
    model.modelReset.connect(print)
    assert [name.rsplit(".", 2)[-2:] for name in pythonqt_lifetime.crashing_senders()] == [
        ["Model", "modelReset"]
    ]
    model.delete()


@pytest.mark.parametrize("end", ["delete", "disconnect"])
def test_it_does_not_once_it_is_deleted_or_disconnected(model, end):
    model.modelReset.connect(print)
    model.delete() if end == "delete" else model.modelReset.disconnect(print)
    assert pythonqt_lifetime.crashing_senders() == []


def test_it_does_not_where_nothing_keeps_it(slicer_host):
    import qt

    class Model(qt.QAbstractTableModel):
        pass

    short_lived = Model()
    short_lived.modelReset.connect(print)
    del short_lived
    assert pythonqt_lifetime.crashing_senders() == []


def test_signals_of_objects_that_are_gone_are_forgotten(slicer_host):
    import qt

    before = len(pythonqt_lifetime._owners)
    timers = [qt.QTimer() for _ in range(20)]
    assert len(pythonqt_lifetime._owners) > before
    del timers
    assert len(pythonqt_lifetime._owners) <= before


def test_objects_of_qt_s_own_classes_do_not(slicer_host):
    import qt

    timer = qt.QTimer()
    timer.timeout.connect(print)
    assert pythonqt_lifetime.crashing_senders() == []


def test_a_signal_that_an_object_connects_while_it_is_made_counts(slicer_host):
    import qt

    class Model(qt.QAbstractTableModel):
        def __init__(self):
            qt.QAbstractTableModel.__init__(self)
            self.modelReset.connect(self.reset)

        def reset(self):
            pass

    made = Model()
    assert len(pythonqt_lifetime.crashing_senders()) == 1
    made.delete()


UI_FILE = """<?xml version="1.0"?>
<ui version="4.0">
 <widget class="qMRMLWidget" name="Sample">
  <layout class="QVBoxLayout"><item><layout class="QHBoxLayout" name="emptyLayout"/></item></layout>
 </widget>
</ui>
"""
MODULE = """
import slicer
from slicer.ScriptedLoadableModule import *


class Sample(ScriptedLoadableModule):
    pass


class SampleWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        window = slicer.util.loadUI(self.resourcePath("UI/Sample.ui"))
        slicer.util.childWidgetVariables(window).emptyLayout
"""


def test_a_module_that_asks_for_an_empty_layout_of_its_ui_file_does_not_open(slicer_host, tmp_path):
    (tmp_path / "Resources" / "UI").mkdir(parents=True)
    (tmp_path / "Resources" / "UI" / "Sample.ui").write_text(UI_FILE)
    (tmp_path / "Sample.py").write_text(MODULE)
    for _ in range(2):  # the failure leaves nothing behind
        with pytest.raises(AttributeError, match="emptyLayout"):
            slicerhost.load_module(tmp_path / "Sample.py")


def test_nothing_is_taken_for_a_meta_object_that_a_python_class_had(model):
    model.destroyed.connect(model.deleteLater)
    model.delete()
    meta_objects = [vars(cls)["staticMetaObject"] for cls in type(model).__mro__[:2]]
    assert [shiboken6.isValid(meta_object) for meta_object in meta_objects] == [False, False]
