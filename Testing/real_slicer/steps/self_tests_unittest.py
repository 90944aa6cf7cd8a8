"""The module's self-tests, by unittest, as ctest runs them."""

from __future__ import annotations

import unittest

from real_slicer.user import MODULE

SLICER_ARGUMENTS = ("--testing", "--no-main-window")


def run(step):
    # slicer.testing.runUnitTest does the same, but says nothing of what failed but in its output.
    suite = unittest.TestLoader().loadTestsFromName(MODULE)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    for test, text in result.failures + result.errors:
        step.check(False, f"{test}: {text.splitlines()[-1]}")
    step.check(result.testsRun > 0, "there are no self-tests")
    step.note(f"{result.testsRun} self-tests run")
