"""Values of DICOM attributes as plain Python values, and as texts.

Whoever knows a value has it in another form: OpenIGTLink's metadata as a text (``0.5\\0.5``),
pydicom as a type of its own. A field of a module has one of the kinds below, whoever gave it. An
unknown value is an empty text, an empty tuple, or None.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

Whole = int | None
Number = float | None
Pair = tuple[float, float] | None
Triple = tuple[float, float, float] | None
Cosines = tuple[float, float, float, float, float, float] | None
Numbers = tuple[float, ...]
Texts = tuple[str, ...]

# Of 100,000 backslashes, as a server may send, each question would take half a second.
_MOST_TEXTS = 1000
# Float32 on the one way, rounded decimals on the other.
_TOLERANCE = 1e-4


def is_known(value: Any) -> bool:
    """Whether a value says anything."""
    if isinstance(value, (str, bytes, Sequence, Mapping)):
        return len(value) > 0
    return value is not None


def read_value(value: Any, kind: Any) -> Any:
    """Return ``value``, whatever form it has, as one of the kinds above.

    Raises ``ValueError`` if it is no such value, with a message that names the kind, but not
    the value: it could name a patient.
    """
    description, read = _KINDS[kind]
    try:
        return read(_parts(value) if kind is not str else value)
    except (ArithmeticError, TypeError, ValueError):
        raise ValueError(f"it is not {description}") from None


def as_text(value: Any) -> str:
    """Return a value as DICOM would write it: the parts of several joined by a backslash."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.7g}"  # what a float32 holds
    if isinstance(value, Mapping):  # an item of a sequence
        return ", ".join(f"{key}: {as_text(part)}" for key, part in value.items())
    is_array = isinstance(value, np.ndarray)
    if is_array or isinstance(value, (tuple, list)):
        return "\\".join(map(as_text, np.atleast_1d(value) if is_array else value))
    return str(value)


def are_alike(first: Any, second: Any) -> bool:
    """Whether two values of an attribute say the same, up to rounding and spaces.

    Texts that differ in nothing but the way in which names are put together are alike: the list
    has ``Family, Given`` where DICOM has ``Family^Given``.
    """
    if isinstance(first, (tuple, list)) and isinstance(second, (tuple, list)):
        return len(first) == len(second) and all(map(are_alike, first, second))
    if isinstance(first, float) or isinstance(second, float):
        try:
            return math.isclose(first, second, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        except TypeError:
            return False
    if isinstance(first, str) and isinstance(second, str):
        return _words(first) == _words(second)
    return bool(np.array_equal(first, second))


def module_items(module: Any) -> Iterable[tuple[str, Any]]:
    """Return keywords and values of a module: a record, or a mapping."""
    if isinstance(module, Mapping):
        return module.items()
    return [(name, getattr(module, name)) for name in _field_names(type(module))]


@lru_cache(maxsize=1000)
def _field_names(record: type) -> tuple[str, ...]:
    if not dataclasses.is_dataclass(record):
        return ()  # an answer that is no module, such as a number
    return tuple(field.name for field in dataclasses.fields(record))


def _words(text: str) -> list[str]:
    # Of any text, not of a name alone: "T1 +C" is not "T1 -C".
    return re.split(r"[\s,^]+", text.strip(" \0^,").casefold())


def _parts(value: Any) -> list[Any]:
    """Return the values of a multi-valued attribute."""
    if value is None or isinstance(value, str):
        return value.strip(" \0").split("\\") if value and value.strip(" \0") else []
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, bytes):
        return list(value)
    return [value]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        raise ValueError
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\\".join(_texts(value))
    return "" if value is None else str(value).strip(" \0")


def _texts(parts: Sequence[Any]) -> Texts:
    if len(parts) > _MOST_TEXTS:
        raise ValueError
    if any(isinstance(part, (bytes, Iterable)) and not isinstance(part, str) for part in parts):
        raise ValueError  # a sequence's items, not texts
    return tuple(str(part).strip(" \0") for part in parts)


def _whole(parts: Sequence[Any]) -> Whole:
    if not parts:
        return None
    (part,) = parts
    number = int(part)
    if not isinstance(part, str) and number != part:
        raise ValueError
    return number


def _number(parts: Sequence[Any]) -> Number:
    if not parts:
        return None
    (number,) = _numbers(parts)
    return number


def _numbers(parts: Sequence[Any]) -> Numbers:
    numbers = tuple(map(float, parts))
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    return numbers


def _exactly(count: int) -> Callable[[Sequence[Any]], Any]:
    def read(parts: Sequence[Any]) -> Numbers | None:
        if parts and len(parts) != count:
            raise ValueError
        return _numbers(parts) or None

    return read


_KINDS: Mapping[Any, tuple[str, Callable[[Any], Any]]] = {
    str: ("a text", _text),
    Texts: (f"one or several texts, at most {_MOST_TEXTS}", _texts),
    Whole: ("a whole number", _whole),
    Number: ("a number", _number),
    Numbers: ("one or several numbers", _numbers),
    Pair: ("two numbers, such as 0.5\\0.5", _exactly(2)),
    Triple: ("three numbers, such as 0\\0\\1.5", _exactly(3)),
    Cosines: ("six numbers, such as 1\\0\\0\\0\\1\\0", _exactly(6)),
}
