"""Pieces of code, and what Slicer answers: the cases of ``slicerhost/slicer_behaviour.json``."""

from __future__ import annotations

import contextlib
import gc
import io
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "slicerhost" / "slicer_behaviour.json"


def read(file: Path = FILE) -> dict[str, Any]:
    """Return the recorded cases, and what is said of them."""
    return json.loads(file.read_text(encoding="utf-8"))


def answer(case: dict[str, str]) -> dict[str, str]:
    """Run a case's code as it was recorded: in a namespace of its own, its answer is left in r.

    Returns ``result``, or ``raises`` and ``message``.
    """
    import ctk
    import qt
    import slicer
    import vtk

    namespace: dict[str, Any] = {"ctk": ctk, "qt": qt, "slicer": slicer, "vtk": vtk}
    # dont_inherit: not under this file's `from __future__ import annotations`.
    code = compile(case["code"], case["name"], "exec", dont_inherit=True)
    # One case is about an exception in a slot, which is printed.
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(code, namespace)
            return {"result": repr(namespace["r"])}
        except Exception as error:
            return {"raises": type(error).__name__, "message": str(error)}
        finally:
            _delete_instances({one for one in namespace.values() if isinstance(one, type)})


def _delete_instances(classes: set[type]) -> None:
    """Delete the objects of a case's classes: with some of them, Slicer crashes when it exits."""
    for one in gc.get_objects() if classes else ():
        if type(one) in classes and hasattr(one, "delete"):
            one.delete()


def recorded(case: dict[str, str]) -> dict[str, str]:
    """Return what is recorded of a case; empty where nothing is yet."""
    return {key: case[key] for key in ("result", "raises", "message") if key in case}


def with_answers(cases: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the cases with the answers of this Slicer in place of those recorded."""
    what = ("group", "name", "code")
    return [{**{key: case[key] for key in what}, **answer(case)} for case in cases]
