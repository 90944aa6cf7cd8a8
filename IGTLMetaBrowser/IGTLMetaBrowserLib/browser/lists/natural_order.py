"""Texts as people sort and find them: ``Image 2`` before ``Image 10``, ``Müller`` by ``muller``."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np

from ...turns import InTurns, at_once
from .sorting import let_go, order_of_texts

_NUMBERS = re.compile("([0-9]+)")
_MOST_DIGITS = 64  # the longest text of an entry
_TEXTS_A_TURN = 2000  # their keys are made in 3 ms
# Longer texts, as those of a whole column, are done in numpy.
_LONG = 1000
_LEFT_OUT, _NOT_KNOWN = 0xFFFFFFFF, 0xFFFFFFFE  # no characters


def fold(text: str) -> str:
    """Return ``text`` without what makes no difference: case, and how a letter is composed."""
    return unicodedata.normalize("NFKC", text).casefold()


def fold_for_search(text: str) -> str:
    """Return the same without accents and other marks, which few type when they search.

    Each NUL stays where it is among the texts that it divides.
    """
    folded = fold(text)
    if folded.isascii():
        return folded
    return _without_marks(folded) if len(folded) > _LONG else "".join(map(_base, folded))


def search_words(text: str) -> list[str]:
    """Return the words that are looked for, as ``fold_for_search`` does.

    Without what stands around the parts of a name only where it is shown, see ``readable_name``.
    """
    return [*filter(None, (word.strip(",()") for word in fold_for_search(text).split()))]


@lru_cache(maxsize=4096)
def _base(character: str) -> str:
    """Return a character without its marks: nothing if it is one."""
    parts = unicodedata.normalize("NFKD", character)
    base = "".join(part for part in parts if not unicodedata.combining(part))
    base = unicodedata.normalize("NFC", base)
    return base if len(base) < 2 else character


def _without_marks(text: str) -> str:
    codes, bases = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4"), _bases()
    for code in np.unique(codes[bases[codes] == _NOT_KNOWN]).tolist():
        base = _base(chr(code))
        bases[code] = ord(base) if base else _LEFT_OUT
    codes = bases[codes]
    return codes[codes != _LEFT_OUT].tobytes().decode("utf-32-le", "surrogatepass")


@cache
def _bases() -> np.ndarray:
    """Return those of all characters, as far as they are known: each is found once, in 2 µs."""
    return np.full(sys.maxunicode + 1, _NOT_KNOWN, "<u4")


def ranks(texts: Sequence[str]) -> np.ndarray:
    """Return the place of each text among all; those that differ in case only share one."""
    if not texts:
        return np.empty(0, np.intp)
    return at_once(ranks_in_turns(texts))


def ranks_in_turns(texts: Sequence[str]) -> InTurns[np.ndarray]:
    """Return the same with pauses: a million texts that all differ take seconds."""
    keys: list[str] = []
    for begin in range(0, len(texts), _TEXTS_A_TURN):
        keys += natural_key("\0".join(texts[begin : begin + _TEXTS_A_TURN])).split("\0")
        yield
    places, rank, before = np.empty(len(keys), np.intp), -1, None
    parts = yield from order_of_texts(keys)
    parts.reverse()
    while parts:
        rows, some = parts.pop(), []
        for key in map(keys.__getitem__, rows):
            rank, before = rank + (key != before), key
            some.append(rank)
        places[rows] = some
        yield
    yield from let_go(keys)
    return places


def natural_key(text: str) -> str:
    """Return what texts are sorted by; what differs in case only has the same."""
    parts = _NUMBERS.split(fold(text))
    parts[1::2] = [number.zfill(_MOST_DIGITS) for number in parts[1::2]]
    return "".join(parts)
