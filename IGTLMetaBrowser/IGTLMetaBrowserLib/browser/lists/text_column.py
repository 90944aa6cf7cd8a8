"""A column of texts of a list that may have a million rows, without a Python object for each.

The bytes stay where the message has them; numpy compares, finds and sorts them.
"""

from __future__ import annotations

import re
from functools import cached_property

import numpy as np

from ...codec import readable
from ...codec.text_rows import TextRows, joined, without_remains
from .natural_order import fold_for_search, ranks, ranks_of_ascii

_SAMPLE = 1000
_UNDECODABLE = re.compile("[\udc80-\udcff]")


class TextColumn(TextRows):
    """A column in which one searches, and by which one sorts."""

    def __init__(self, texts: np.ndarray) -> None:
        super().__init__(without_remains(_without_empty_end(np.ascontiguousarray(texts))))

    @cached_property
    def codes(self) -> tuple[list[str], np.ndarray]:
        """The distinct texts, in the order of their first rows, and the number of each row's."""
        if not len(self):
            return [], np.empty(0, np.intp)
        # What np.unique does, but several times as fast: the order of equal numbers is any.
        order = np.argsort(self.hashes)
        in_order = self.hashes[order]
        starts = np.flatnonzero(np.concatenate(([True], in_order[1:] != in_order[:-1])))
        first = np.minimum.reduceat(order, starts)
        by_first = np.argsort(first)
        numbers = np.empty_like(by_first)
        numbers[by_first] = np.arange(len(by_first))
        codes = np.empty(len(self), np.intp)
        codes[order] = np.repeat(numbers, np.diff(starts, append=len(self)))
        return [self.text(row) for row in first[by_first].tolist()], codes

    def contain(self, word: str) -> np.ndarray:
        """Return which rows contain a word that is folded (``natural_order.fold_for_search``)."""
        if self._is_repetitive:
            are_found = np.array([word in text for text in self._folded_distinct], bool)
            return are_found[self.codes[1]]
        found = np.zeros(len(self), bool)
        sought = word.encode("utf-8", "surrogateescape")
        content, starts = self._folded
        if len(content) >= len(sought):
            found[np.searchsorted(starts, _places(content, sought), side="right") - 1] = True
        return found

    @cached_property
    def _folded_distinct(self) -> list[str]:
        return [fold_for_search(readable(text)) for text in self.codes[0]]

    @cached_property
    def _folded(self) -> tuple[np.ndarray, np.ndarray]:
        """All folded texts with a NUL between them, as bytes, and where each begins."""
        content = joined(self.encoded)
        if content.isascii():
            content = content.lower()
        else:
            text = content.decode("utf-8", "surrogateescape")
            if _UNDECODABLE.search(text):
                # Each text on its own: some are UTF-8, others of the code page of Windows.
                text = "\0".join(map(readable, text.split("\0")))
            content = fold_for_search(text).encode("utf-8", "surrogateescape")
        as_bytes = np.frombuffer(content, np.uint8)
        return as_bytes, np.concatenate(([0], np.flatnonzero(as_bytes == 0) + 1))

    @cached_property
    def ranks(self) -> np.ndarray:
        """The place of each text among all, as people sort, see ``natural_order``."""
        if not self._is_repetitive:
            places = ranks_of_ascii(self.encoded)
            if places is not None:
                return places
        distinct, codes = self.codes
        return ranks(distinct)[codes] if distinct else np.empty(0, np.intp)

    @cached_property
    def _is_repetitive(self) -> bool:
        """Whether many rows have the same text, so that it pays to look at each text once."""
        sample = self.encoded[:: max(1, len(self) // _SAMPLE)]
        # Of 15,000 different texts, a sample of 1,000 has 3 % twice.
        return len(set(sample.tolist())) <= 0.97 * len(sample)


def _places(content: np.ndarray, sought: bytes) -> np.ndarray:
    """Return where ``sought`` begins in ``content``."""
    places = np.flatnonzero(content[: len(content) - len(sought) + 1] == sought[0])
    for index in range(1, len(sought)):
        places = places[content[places + index] == sought[index]]
    return places


def _without_empty_end(texts: np.ndarray) -> np.ndarray:
    """Return texts with a smaller size, if all are shorter than theirs."""
    characters = texts.view(np.uint8).reshape(len(texts), texts.dtype.itemsize)
    used = np.flatnonzero(characters.any(axis=0)).max(initial=0) + 1
    return texts.astype(f"S{used}")
