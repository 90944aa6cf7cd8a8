"""The module's self-tests, run as Slicer runs them: by the Test button, and by ctest."""

from __future__ import annotations

import unittest

import pytest

from helpers.peers import open_descriptors


@pytest.fixture
def module(user):
    import IGTLMetaBrowser

    return IGTLMetaBrowser


def test_the_button_runs_them(user, module, slicer_host, monkeypatch):
    shown = []
    monkeypatch.setattr(slicer_host.util, "delayDisplay", lambda text, _msec: shown.append(text))
    slicer_host.selfTests["IGTLMetaBrowser"](msec=1)
    names = unittest.TestLoader().getTestCaseNames(module.IGTLMetaBrowserTest)
    assert shown == [f"{name} passed" for name in names]


def test_ctest_runs_them(user, module):
    suite = unittest.TestLoader().loadTestsFromTestCase(module.IGTLMetaBrowserTest)
    assert suite.countTestCases() >= 5
    result = unittest.TestResult()
    suite.run(result)
    assert [text for _, text in result.failures + result.errors] == []
    assert result.testsRun == suite.countTestCases()


def test_a_self_test_that_fails_is_told_and_leaves_no_sockets(user, module, monkeypatch):
    def test_wrong(self):
        self.fail("on purpose")

    before = open_descriptors()
    monkeypatch.setattr(module.IGTLMetaBrowserTest, "test_logic_fails", test_wrong, raising=False)
    with pytest.raises(AssertionError, match="on purpose"):
        module.IGTLMetaBrowserTest().runTest()
    assert open_descriptors() <= before  # fewer if what was left of other tests is gone by now
