"""The stand-in held against a real Slicer: pieces of code, and what 5.12.3 and 5.13 answered."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from slicerhost import pythonqt_lifetime
from slicerhost.known_differences import KNOWN_DIFFERENCES

CASES = json.loads(Path(__file__).with_name("slicer_behaviour.json").read_text(encoding="utf-8"))[
    "cases"
]


def key(case: dict[str, str]) -> tuple[str, str]:
    return case["group"], case["name"]


def recorded_answer(case: dict[str, str]) -> str:
    return case["result"] if "result" in case else f"{case['raises']}: {case['message']}"


def answer_here(case: dict[str, str]) -> str:
    """Run the code in a namespace of its own, as in Slicer; the answer is what it leaves in r."""
    import ctk
    import qt
    import slicer
    import vtk

    namespace: dict[str, Any] = {"ctk": ctk, "qt": qt, "slicer": slicer, "vtk": vtk}
    # dont_inherit: the code is not to be under this file's `from __future__ import annotations`.
    code = compile(case["code"], case["name"], "exec", dont_inherit=True)
    try:
        exec(code, namespace)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return repr(namespace["r"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: ": ".join(key(case)))
def test_the_stand_in_answers_as_a_real_slicer(
    case: dict[str, str], slicer_host: ModuleType, slot_errors: list[BaseException]
) -> None:
    answer = answer_here(case)
    slot_errors.clear()  # one case is about an exception in a slot
    pythonqt_lifetime.forget()  # some are about objects that are never freed

    if key(case) in KNOWN_DIFFERENCES:
        assert answer != recorded_answer(case), (
            "This agrees now: take it off the known differences."
        )
    else:
        assert answer == recorded_answer(case)


def test_every_known_difference_names_a_case() -> None:
    assert KNOWN_DIFFERENCES.keys() <= {key(case) for case in CASES}
