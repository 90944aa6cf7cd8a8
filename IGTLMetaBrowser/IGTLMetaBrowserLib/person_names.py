"""Names of persons: as people read them, and by what two of them are told apart.

Told apart not by case, or by how an accent is encoded. In DICOM (VR PN, PS3.5 6.2.1.1) the parts of
a name have their places: "James^Henry" is not "Henry^James". Over OpenIGTLink a name is a text,
which servers write in several ways: its words, in any order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import combinations

_FAMILY, _GIVEN, _MIDDLE, _PREFIX, _SUFFIX = range(5)


def readable_name(text: str) -> str:
    """Return ``Adams, Rev. John Robert, B.A.`` for ``Adams^John^Robert^Rev.^B.A.``.

    What is written in other scripts as well (``Yamada^Tarou=山田^太郎``) follows in parentheses;
    of several names, each is on its own. A text that is no such name stays as it is.
    """
    if "^" not in text and "=" not in text:
        return text
    return "\\".join(map(_one_name, text.split("\\")))


def spellings(name: str) -> list[str]:
    """Return a name of DICOM in each alphabet that it is written in, as it is compared.

    "Doe^Jane" and "DOE^JANE^^^" are one: parts that a name does not have may be left out.
    """
    return [_folded(part).rstrip("^ ") for part in name.split("=")]


def plain_name(name: str) -> str:
    """Return the first spelling that is there of a name of DICOM, as it is compared; or ""."""
    return next(filter(None, spellings(name)), "")


def are_several_names(names: Iterable[str]) -> bool:
    """Whether names of DICOM are of different persons: two that have no spelling in common.

    An empty one may be anybody's.
    """
    written = [{*spellings(name)} - {""} for name in {*names}]
    return any(one.isdisjoint(other) for one, other in combinations(filter(None, written), 2))


def name_words(name: str) -> list[str]:
    """Return the words of a name of OpenIGTLink, as they are compared: sorted."""
    return sorted(re.findall(r"[^\W_]+", _folded(name)))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


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
