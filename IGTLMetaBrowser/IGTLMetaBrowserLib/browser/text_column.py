"""A column of texts of a long list, searched and sorted without making a text of each row.

A million rows have few different modalities and patients: what is done with texts is done once for
each different one. A column in which nearly all texts differ, such as the ids, is searched as one
array of bytes.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property

import numpy as np

_NUMBERS = re.compile("([0-9]+)")
_MOST_DIGITS = 64  # the longest text of an entry
_SAMPLE = 20_000
_MIX = np.uint64(0x9E3779B97F4A7C15)


class TextColumn:
    """``values`` are the texts of all rows as they came: an array of bytes, of kind ``S``."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def text(self, row: int) -> str:
        """Return the text of a row."""
        return _decode(bytes(self._values[row]))

    @cached_property
    def texts(self) -> list[str]:
        """The text of every row."""
        if not self._is_numbered:
            encoded = [text.partition(b"\0")[0] for text in self._values.tolist()]
            return b"\0".join(encoded).decode("utf-8", "surrogateescape").split("\0")
        distinct = self.distinct
        return [distinct[number] for number in self.numbers.tolist()]

    @property
    def distinct(self) -> list[str]:
        """The different texts."""
        return self._numbered[0]

    @property
    def numbers(self) -> np.ndarray:
        """For every row, where its text is in ``distinct``."""
        return self._numbered[1]

    @property
    def is_prepared(self) -> bool:
        """Whether ``contains`` answers at once."""
        return "_folded" in vars(self) or "_lower" in vars(self)

    def contains(self, word: str) -> np.ndarray:
        """Return of every row whether ``word``, which is folded, is in its folded text."""
        if self._is_numbered or not word.isascii() or not self._is_ascii:
            found = (word in text for text in self._folded)
            return np.fromiter(found, bool, len(self.distinct))[self.numbers]
        letters, width = self._lower.reshape(-1), self._lower.shape[1]
        if len(word) > width:
            return np.zeros(len(self), bool)
        is_found = letters[: len(letters) - len(word) + 1] == ord(word[0])
        for place, letter in enumerate(word[1:], start=1):
            is_found &= letters[place : place + len(is_found)] == ord(letter)
        padded = np.append(is_found, np.zeros(len(word) - 1, bool)).reshape(len(self), width)
        # What begins later reaches into the next row.
        return padded[:, : width - len(word) + 1].any(axis=1)

    @cached_property
    def ranks(self) -> np.ndarray:
        """The place of each text among all; numbers in texts count, capitals do not."""
        return ranks(self.distinct)[self.numbers]

    @cached_property
    def _is_numbered(self) -> bool:
        """Whether texts come again and again."""
        sample = self._values[:_SAMPLE].tolist()
        return len(self) <= _SAMPLE or len(set(sample)) < len(sample) * 0.7

    @cached_property
    def _numbered(self) -> tuple[list[str], np.ndarray]:
        words = _as_words(self._values)
        hashes = words[:, 0].copy()
        for column in range(1, words.shape[1]):
            hashes = (hashes ^ (hashes >> np.uint64(29))) * _MIX + words[:, column]
        _, first, numbers = np.unique(hashes, return_index=True, return_inverse=True)
        if (words != words[first[numbers]]).any():  # two texts with one hash
            _, first, numbers = np.unique(self._values, return_index=True, return_inverse=True)
        # In the order in which they come.
        order = np.argsort(first)
        first, numbers = first[order], np.argsort(order)[numbers]
        texts = [_decode(text) for text in self._values[first].tolist()]
        # Two texts that differ only behind the NUL that ends them are the same.
        place_of = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        places = np.fromiter(map(place_of.__getitem__, texts), np.intp, len(texts))
        return list(place_of), places[numbers]

    @cached_property
    def _folded(self) -> list[str]:
        return folded("\0".join(self.distinct)).split("\0") if self.distinct else []

    @cached_property
    def _letters(self) -> np.ndarray:
        """The bytes of the rows, a row each, with nothing behind the NUL that ends a text."""
        values = np.ascontiguousarray(self._values)
        letters = values.view(np.uint8).reshape(len(values), values.itemsize)
        return letters * np.logical_and.accumulate(letters != 0, axis=1)

    @cached_property
    def _is_ascii(self) -> bool:
        return bool((self._letters < 128).all())

    @cached_property
    def _lower(self) -> np.ndarray:
        letters = self._letters
        is_capital = (letters >= ord("A")) & (letters <= ord("Z"))
        return letters + (is_capital * np.uint8(32))


def _as_words(values: np.ndarray) -> np.ndarray:
    """Return the bytes of texts as numbers of 8 bytes, a row for each text."""
    size = -(-values.itemsize // 8) * 8
    padded = np.ascontiguousarray(values.astype(f"S{size}"))
    return padded.view(np.uint64).reshape(len(values), size // 8)


def _decode(text: bytes) -> str:
    return text.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def folded(text: str) -> str:
    """Return ``text`` without what makes no difference: case, and how a letter is composed."""
    return unicodedata.normalize("NFKC", text).casefold()


def ranks(texts: list[str]) -> np.ndarray:
    """Return the place of each text among all; those that differ in case only share one."""
    if not texts:
        return np.empty(0, np.intp)
    distinct = list(dict.fromkeys(texts))
    keys = _natural("\0".join(distinct)).split("\0")
    rank_of_key = {key: rank for rank, key in enumerate(sorted(dict.fromkeys(keys)))}
    rank_of_text = {text: rank_of_key[key] for text, key in zip(distinct, keys, strict=True)}
    return np.fromiter(map(rank_of_text.__getitem__, texts), np.intp, len(texts))


def _natural(text: str) -> str:
    """Return a key by which ``Image 2`` comes before ``Image 10``."""
    parts = _NUMBERS.split(folded(text))
    parts[1::2] = [number.zfill(_MOST_DIGITS) for number in parts[1::2]]
    return "".join(parts)
