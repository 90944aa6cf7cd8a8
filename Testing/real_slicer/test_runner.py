"""The runner of the steps, with programs that stand in for Slicer: they print, fail, or crash."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from real_slicer import behaviours, runner

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows runs no shell scripts")

STEP = runner.Step("a_step", "What it does.", (), timeout=20)


@pytest.fixture
def slicer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], runner.Slicer]:
    """Makes a program that does what a shell script says, with a report of no problems."""
    monkeypatch.setenv("DISPLAY", ":0")  # it opens no window, and needs no virtual display

    def make(script: str, report: dict | None = None) -> runner.Slicer:
        written = json.dumps(report or {"problems": [], "figures": [], "notes": []})
        program = tmp_path / "Slicer"
        program.write_text(f"#!/bin/sh\necho '{written}' > {tmp_path}/a_step.json\n{script}\n")
        program.chmod(0o755)
        return runner.Slicer(program, tmp_path)

    return make


def test_a_step_that_ends_with_0_and_says_nothing_bad_has_passed(slicer) -> None:
    assert slicer("exit 0").run(STEP).problems == []


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("exit 1", "Slicer's exit code is 1"),
        ("kill -SEGV $$", "Slicer was ended by SIGSEGV"),
        ("exit 139", "Slicer was ended by SIGSEGV"),
    ],
)
def test_how_slicer_ends_is_said(slicer, script: str, problem: str) -> None:
    assert slicer(script).run(STEP).problems == [problem]


def test_a_step_that_does_not_end_is_ended(slicer) -> None:
    step = runner.Step("a_step", "It hangs.", (), timeout=0.2)
    assert slicer("sleep 60 & sleep 60").run(step).problems == ["it did not end within 0.2 s"]


TRACEBACK = r"Traceback (most recent call last):\n  File \"x.py\", line 1\nValueError: no\n"


def test_a_traceback_fails_the_step(slicer) -> None:
    script = f"echo '{runner.BEGIN}'; printf '{TRACEBACK}' >&2"
    assert slicer(script).run(STEP).problems == ["a traceback: ValueError: no"]


def test_a_traceback_of_slicer_s_own_start_does_not(slicer) -> None:
    assert slicer(f"printf '{TRACEBACK}'; echo '{runner.BEGIN}'").run(STEP).problems == []


def test_a_traceback_of_this_project_at_the_start_does(slicer) -> None:
    ours = TRACEBACK.replace("x.py", f"{runner.TOP}/x.py")
    script = f"printf '{ours}'; echo '{runner.BEGIN}'"
    assert slicer(script).run(STEP).problems == ["a traceback: ValueError: no"]


def test_without_a_report_the_step_has_failed(slicer, tmp_path) -> None:
    script = f"rm {tmp_path}/a_step.json"
    assert slicer(script).run(STEP).problems == ["it ended without a report"]


def test_problems_and_figures_of_the_report_are_printed(slicer) -> None:
    report = {"problems": ["too slow"], "figures": [["list", "1 s", "2 s", "3 s"]], "notes": ["n"]}
    results = [slicer("exit 1", report).run(STEP)]
    assert "FAILED  a_step" in runner.summary(results)
    assert "too slow" in runner.summary(results)
    assert "0 of 1 steps passed" in runner.summary(results)
    assert runner.figures(results).splitlines()[-1] == "| list | 1 s | 2 s | 3 s |"


# The steps themselves ---------------------------------------------------------------------------


def test_each_step_says_what_it_does_and_can_be_run() -> None:
    for step in runner.all_steps():
        assert step.title.endswith("."), step.name
        file = runner.FOLDER / "steps" / f"{step.name}.py"
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert "run" in functions, step.name


def test_steps_are_chosen_by_the_beginnings_of_their_names() -> None:
    names = [step.name for step in runner.chosen_steps(["exit", "walk_images"])]
    assert "exit_opened" in names
    assert "walk_images" in names
    assert not any(name.startswith(("bench", "walk_details")) for name in names)


def test_an_unknown_step_is_a_usage_error(slicer, capsys, monkeypatch) -> None:
    program = slicer("exit 0").program
    assert runner.main([str(program), "no_such_step"]) == 2
    assert "No step is called no_such_step" in capsys.readouterr().err


def test_what_is_no_program_is_a_usage_error(tmp_path, capsys) -> None:
    assert runner.main([str(tmp_path / "Slicer")]) == 2
    assert "is no program" in capsys.readouterr().err


def test_a_file_to_record_in_is_an_option_among_the_steps() -> None:
    options = runner._options(["Slicer", "behaviours", "--record", "/x/new.json"])
    assert (options.program, options.steps) == ("Slicer", ["behaviours"])
    assert options.record == Path("/x/new.json")


def test_the_help_names_the_program_and_the_steps(capsys) -> None:
    with pytest.raises(SystemExit) as exit_info:
        runner.main(["--help"])
    assert exit_info.value.code == 0
    assert "PROGRAM [step ...]" in capsys.readouterr().out


def test_a_recorded_behaviour_is_as_it_is_written_in_the_file(slicer_host) -> None:
    cases = [
        {"group": "g", "name": "n", "code": "r = qt.QLabel('a').text"},
        {"group": "g", "name": "m", "code": "raise KeyError('b')"},
    ]
    first, second = behaviours.with_answers(cases)
    assert first["result"] == "'a'"
    assert (second["raises"], second["message"]) == ("KeyError", "'b'")


def test_what_runs_in_slicer_and_its_python_needs_no_pytest() -> None:
    """Slicer has none: a step whose server imports it would fail."""
    files = [file for file in runner.FOLDER.rglob("*.py") if not is_of_pytest(file)]
    modules = {name for file in files for name in imported_from(file, ("helpers", "hostile"))}
    without = "import sys; sys.modules['pytest'] = None\n"
    code = without + "".join(f"import {name}\n" for name in sorted(modules))
    path = os.pathsep.join(map(str, (runner.TOP / "Testing", runner.TOP / "IGTLMetaBrowser")))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert "helpers.long_lists" in modules


def is_of_pytest(file: Path) -> bool:
    return file.name.startswith("test_") or file.name == "conftest.py"


def imported_from(file: Path, packages: tuple[str, ...]) -> Iterator[str]:
    """The modules of these packages that a file imports, be it in a function."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in packages:
            is_package = "." not in node.module
            yield from (f"{node.module}.{one.name}" for one in node.names if is_package)
            if not is_package:
                yield node.module
