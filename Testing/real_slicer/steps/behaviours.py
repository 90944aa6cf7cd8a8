"""The recorded behaviours of Slicer are those of this Slicer.

With ``--record FILE`` the cases of FILE, each with group, name and code, get the answers of this
Slicer instead: ``[{"group": …, "name": …, "code": "r = …"}, …]``, or as slicer_behaviour.json is.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from real_slicer import behaviours

SLICER_ARGUMENTS = ("--testing",)  # as when they were recorded


def run(step):
    if os.environ["REAL_SLICER_RECORD"]:
        record(step, Path(os.environ["REAL_SLICER_RECORD"]))
        return
    # In this order: once others have made and deleted actions, PythonQt takes one of those for one
    # of the main window, and crashes if all of them are asked for.
    cases = behaviours.read()["cases"]
    for case in cases:
        now, before = behaviours.answer(case), behaviours.recorded(case)
        step.check(now == before, f"{case['group']}: {case['name']}: {before}, now {now}")
    step.note(f"{len(cases)} behaviours compared")


def record(step, file):
    content = json.loads(file.read_text(encoding="utf-8"))
    cases = content if isinstance(content, list) else content["cases"]
    answered = behaviours.with_answers(cases)
    if isinstance(content, list):
        content = answered
    else:
        content["cases"] = answered
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    step.note(f"{len(answered)} behaviours recorded in {file}")
