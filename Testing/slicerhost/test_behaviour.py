"""The stand-in held against a real Slicer: pieces of code, and what 5.12.3 and 5.13 answered.

``python3 Testing/dev.py slicer PROGRAM behaviours`` compares them with a real one, and records.
"""

from __future__ import annotations

from types import ModuleType

import pytest

from real_slicer import behaviours
from slicerhost import pythonqt_lifetime
from slicerhost.known_differences import KNOWN_DIFFERENCES

CASES = behaviours.read()["cases"]


def key(case: dict[str, str]) -> tuple[str, str]:
    return case["group"], case["name"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: ": ".join(key(case)))
def test_the_stand_in_answers_as_a_real_slicer(
    case: dict[str, str], slicer_host: ModuleType, slot_errors: list[BaseException]
) -> None:
    answer = behaviours.answer(case)
    slot_errors.clear()  # one case is about an exception in a slot
    pythonqt_lifetime.forget()  # some are about objects that are never freed

    if key(case) in KNOWN_DIFFERENCES:
        assert answer != behaviours.recorded(case), (
            "This agrees now: take it off the known differences."
        )
    else:
        assert answer == behaviours.recorded(case)


def test_every_known_difference_names_a_case() -> None:
    assert KNOWN_DIFFERENCES.keys() <= {key(case) for case in CASES}
