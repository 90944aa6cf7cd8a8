"""Names of people as DICOM writes them (VR PN, PS3.5 6.2.1.1), as people read them.

Only what is shown: names are searched, sorted and kept as they came.
"""

from __future__ import annotations

_FAMILY, _GIVEN, _MIDDLE, _PREFIX, _SUFFIX = range(5)


def readable_name(text: str) -> str:
    """Return ``Adams, Rev. John Robert, B.A.`` for ``Adams^John^Robert^Rev.^B.A.``.

    What is written in other scripts as well (``Yamada^Tarou=山田^太郎``) follows in parentheses;
    of several names, each is on its own. A text that is no such name stays as it is.
    """
    if "^" not in text and "=" not in text:
        return text
    return "\\".join(map(_one_name, text.split("\\")))


def _one_name(text: str) -> str:
    alphabetic, *others = text.split("=")
    groups = [_alphabetic(alphabetic), *(_joined(*_components(other)) for other in others)]
    first, *rest = [*filter(None, groups), ""]
    in_parentheses = ", ".join(filter(None, rest))
    return f"{first} ({in_parentheses})" if in_parentheses else first


def _alphabetic(text: str) -> str:
    parts = [*_components(text), "", "", "", "", ""]
    given = _joined(parts[_PREFIX], parts[_GIVEN], parts[_MIDDLE])
    suffix = _joined(*parts[_SUFFIX:])
    return ", ".join(filter(None, (parts[_FAMILY], given, suffix)))


def _components(text: str) -> list[str]:
    return [part.strip() for part in text.split("^")]


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))
