"""A step inside Slicer, run here in the stand-in: it waits, fails in words, and leaves Slicer."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest

import slicerhost


@pytest.fixture
def leave(slicer_host, monkeypatch, tmp_path):
    """Runs a step and returns the exit code with which it left Slicer, and its report."""
    monkeypatch.setenv("REAL_SLICER_OUTPUT", str(tmp_path))
    codes = []
    monkeypatch.setattr(slicer_host.util, "exit", codes.append)

    def run(function):
        from real_slicer import inside

        module = ModuleType("real_slicer.steps.a_step")
        module.run = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        inside.begin("a_step")
        slicerhost.wait_until(lambda: codes, 60, "the step to leave Slicer")
        return codes[-1], json.loads((tmp_path / "a_step.json").read_text())

    return run


def test_a_step_goes_on_when_what_it_waits_for_has_come(leave):
    import qt

    come = []

    def run(step):
        qt.QTimer.singleShot(20, lambda: come.append(1))
        yield step.until(lambda: come, "the timer")
        step.note("it came")

    assert leave(run) == (0, {"problems": [], "figures": [], "notes": ["it came"]})


def test_a_step_that_waits_in_vain_says_for_what(leave):
    def run(step):
        yield step.until(lambda: False, "nothing", seconds=0.1)

    code, report = leave(run)
    assert code == 1
    assert report["problems"] == ["TimeoutError: waited 0.1 s in vain for nothing"]


def test_a_step_waits_while_a_dialog_is_open(leave):
    import qt

    def run(step):
        dialog = qt.QDialog()
        qt.QTimer.singleShot(50, dialog.accept)
        dialog.exec_()
        step.note("closed")
        yield step.pause(0)

    assert leave(run) == (0, {"problems": [], "figures": [], "notes": ["closed"]})


def test_a_step_that_fails_is_cleaned_up(leave):
    cleaned = []

    def run(step):
        step.at_end(lambda: cleaned.append(1))
        yield step.pause(0)
        raise ValueError("on purpose")

    code, report = leave(run)
    assert (code, report["problems"], cleaned) == (1, ["ValueError: on purpose"], [1])


def test_a_step_that_needs_no_event_loop_is_a_function(leave):
    def run(step):
        step.check(1 + 1 == 3, "one and one are not three")
        step.figure("a sum", "3", "2", "2")

    code, report = leave(run)
    assert code == 1
    assert report["problems"] == ["one and one are not three"]
    assert report["figures"] == [["a sum", "3", "2", "2"]]
