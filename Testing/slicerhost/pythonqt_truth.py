"""Which Qt objects are false in PythonQt.

PythonQt gives each wrapped class the truth value of its method ``isEmpty``, else of ``isValid``,
else of ``isNull`` (getDefaultNonZeroFunction in its generator/abstractmetalang.cpp). So an empty
layout or menu, an invalid index and a null point are false, while an empty combo box, which has
none of these methods, is true. A deleted object is false whatever its class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

# The methods that decide, the first that a class has, and the answer that stands for true.
_DECIDING_METHODS = (("isEmpty", False), ("isValid", True), ("isNull", False))


def install(classes: Iterable[type]) -> None:
    """Give each Qt class the truth value of its PythonQt counterpart."""
    for cls in classes:
        # Not by inheritance: PySide6 has given some of the classes a truth value of their own.
        cls.__bool__ = _truth(cls)  # type: ignore[attr-defined]


def _truth(cls: type) -> Callable[[Any], bool]:
    import shiboken6

    is_alive = shiboken6.isValid
    for name, answer_if_true in _DECIDING_METHODS:
        if callable(getattr(cls, name, None)):
            return lambda self: is_alive(self) and getattr(self, name)() is answer_if_true
    return lambda self: is_alive(self)
