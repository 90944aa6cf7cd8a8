"""By what the names of two persons are told apart: not by case, or by how an accent is encoded.

In DICOM the parts of a name have their places (PS3.5 6.2.1): "James^Henry" is not "Henry^James".
Over OpenIGTLink a name is a text, which servers write in several ways: its words, in any order.
"""

from __future__ import annotations

import re
import unicodedata


def spellings(name: str) -> list[str]:
    """Return a name of DICOM in each alphabet that it is written in, as it is compared.

    "Doe^Jane" and "DOE^JANE^^^" are one: parts that a name does not have may be left out.
    """
    return [_folded(part).rstrip("^ ") for part in name.split("=")]


def plain_name(name: str) -> str:
    """Return the first spelling that is there of a name of DICOM, as it is compared; or ""."""
    return next(filter(None, spellings(name)), "")


def name_words(name: str) -> list[str]:
    """Return the words of a name of OpenIGTLink, as they are compared: sorted."""
    return sorted(re.findall(r"[^\W_]+", _folded(name)))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
