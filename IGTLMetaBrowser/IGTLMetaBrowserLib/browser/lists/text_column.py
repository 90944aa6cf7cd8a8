"""A column of texts of a list that may have a million rows, without a Python object for each.

The bytes stay where the message has them; numpy compares, finds and sorts them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from ...codec import readable
from ...codec.text_rows import TextRows, joined, pieces, without_remains
from ...turns import InTurns, at_once
from .ascii_ranks import ranks_of_ascii
from .natural_order import fold_for_search, natural_key, ranks_in_turns
from .sorting import let_go

_SAMPLE = 1000
_TEXTS_A_TURN = 2000  # they are folded in 4 ms
# Of random characters, each is in few texts: then they are folded in 20 ms.
_BYTES_A_TURN = 1 << 15
_UNDECODABLE = re.compile("[\udc80-\udcff]")


class TextColumn(TextRows):
    """A column in which one searches, and by which one sorts."""

    def read(self) -> Iterator[None]:
        """Make ``encoded`` with pauses, in a smaller size if all texts are shorter than theirs."""
        if "encoded" in vars(self):
            return
        parts, size = [], 1
        for piece in pieces(len(self)):
            texts = without_remains(np.ascontiguousarray(self._texts[piece]))
            parts.append(texts.astype(f"S{_used_size(texts)}"))
            size = max(size, parts[-1].dtype.itemsize)
            yield
        encoded = np.empty(len(self), f"S{size}")
        for number, piece in enumerate(pieces(len(self))):
            encoded[piece], parts[number] = parts[number], None
            yield
        self.encoded = encoded

    def prepare_search(self) -> Iterator[None]:
        """Make with pauses what ``find`` needs: at once, a million rows take 0.1 s."""
        yield from self.prepare_order()
        yield from (self._fold_distinct() if self._is_repetitive else self._fold())

    def prepare_order(self) -> Iterator[None]:
        """Make with pauses most of what ``ranks`` needs: at once, a million rows take 0.2 s."""
        yield from self.read()
        if self._is_repetitive and "codes" not in vars(self):
            yield from self.hash()
            yield from self._number()

    def prepare_ranks(self) -> Iterator[None]:
        """Make ``ranks`` with pauses."""
        yield from self.prepare_order()
        if "ranks" in vars(self):
            return
        if self._is_repetitive:
            distinct, codes = self.codes
            places = (yield from ranks_in_turns(distinct))[codes]
        elif (places := (yield from ranks_of_ascii(self.encoded))) is None:
            texts: list[str] = []
            for piece in pieces(len(self)):
                texts += self.texts_of(piece)
                yield
            places = yield from ranks_in_turns(texts)
            yield from let_go(texts)
        self.ranks = places

    @cached_property
    def codes(self) -> tuple[list[str], np.ndarray]:
        """The distinct texts, in the order of their first rows, and the number of each row's."""
        if self._is_repetitive:
            at_once(self._number())
            return self.codes
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

    def _number(self) -> Iterator[None]:
        """Make ``codes`` of few texts with pauses: each row's is looked up among those before."""
        known, numbers = np.empty(0, np.uint64), np.empty(0, np.intp)
        codes, texts = np.empty(len(self), np.intp), []
        for piece in pieces(len(self)):
            hashes = self.hashes[piece]
            places = np.searchsorted(known, hashes)
            is_new = np.append(known, np.uint64(0))[places] != hashes
            is_new |= places == len(known)
            if is_new.any():
                new, first = np.unique(hashes[is_new], return_index=True)
                rows = piece.start + np.flatnonzero(is_new)[first]
                numbers_of_new = np.argsort(np.argsort(rows)) + len(texts)
                texts += [self.text(row) for row in np.sort(rows).tolist()]
                places = np.searchsorted(known, new)
                known, numbers = (
                    np.insert(known, places, new),
                    np.insert(numbers, places, numbers_of_new),
                )
                places = np.searchsorted(known, hashes)
            codes[piece] = numbers[places]
            yield
        self.codes = texts, codes

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number in ``codes`` of each text."""
        return {text: number for number, text in enumerate(self.codes[0])}

    def find(self, word: str, found: np.ndarray) -> Iterator[None]:
        """Set ``found`` with pauses where a row has a folded word (``fold_for_search``)."""
        if self._is_repetitive:
            are_found = np.array([word in text for text in self._folded_distinct], bool)
            found |= are_found[self.codes[1]]
            yield
            return
        sought = word.encode("utf-8", "surrogateescape")
        for first_row, content, starts in self._folded:
            if len(content) >= len(sought):
                rows = np.searchsorted(starts, _places(content, sought), side="right") - 1
                found[first_row + rows] = True
            yield

    @cached_property
    def _folded_distinct(self) -> list[str]:
        at_once(self._fold_distinct())
        return self._folded_distinct

    def _fold_distinct(self) -> Iterator[None]:
        """Make ``_folded_distinct`` with pauses."""
        distinct, folded = self.codes[0], []
        for begin in range(0, len(distinct), _TEXTS_A_TURN):
            some = distinct[begin : begin + _TEXTS_A_TURN]
            folded += [fold_for_search(readable(text)) for text in some]
            yield
        self._folded_distinct = folded

    @cached_property
    def _folded(self) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Folded texts with a NUL between them, as bytes, of some rows each, from the first on.

        The number of their first row, their bytes, and where in these each text begins.
        """
        at_once(self._fold())
        return self._folded

    def _fold(self) -> Iterator[None]:
        """Make ``_folded`` with pauses."""
        folded = []
        for piece in pieces(len(self)):
            folded_piece = yield from _fold_joined(joined(self.encoded[piece]))
            content = np.frombuffer(folded_piece, np.uint8)
            starts = np.concatenate(([0], np.flatnonzero(content == 0) + 1))
            folded.append((piece.start, content, starts))
            yield
        self._folded = folded

    @cached_property
    def ranks(self) -> np.ndarray:
        """The place of each text among all, as people sort, see ``natural_order``."""
        at_once(self.prepare_ranks())
        return self.ranks

    def rank_of(self, key: str) -> tuple[int, bool]:
        """Return how many ranks are below a ``natural_key``, and whether the next one has it."""
        count = len(self._row_of_rank)
        rank = bisect_left(range(count), key, key=self._key_of_rank)
        return rank, rank < count and self._key_of_rank(rank) == key

    def _key_of_rank(self, rank: int) -> str:
        if rank not in self._keys_of_ranks:
            self._keys_of_ranks[rank] = natural_key(self.text(self._row_of_rank[rank]))
        return self._keys_of_ranks[rank]

    @cached_property
    def _keys_of_ranks(self) -> dict[int, str]:
        """Those that were looked at: each search begins with the same."""
        return {}

    @cached_property
    def _row_of_rank(self) -> np.ndarray:
        rows = np.empty(int(self.ranks.max(initial=-1)) + 1, np.intp)
        rows[self.ranks] = np.arange(len(self))
        return rows

    @cached_property
    def _is_repetitive(self) -> bool:
        """Whether many rows have the same text, so that it pays to look at each text once."""
        sample = self.encoded[:: max(1, len(self) // _SAMPLE)]
        # Of 15,000 different texts, a sample of 1,000 has 3 % twice.
        return len(set(sample.tolist())) <= 0.97 * len(sample)


class ExtendedColumn:
    """The texts of a column, and below them a few more: nothing of the column is made again."""

    def __init__(self, column: TextColumn, more: TextColumn) -> None:
        self._column, self._more = column, more

    def text(self, row: int) -> str:
        """Return the text of a row."""
        count = len(self._column)
        return self._column.text(row) if row < count else self._more.text(row - count)

    @cached_property
    def codes(self) -> tuple[list[str], np.ndarray]:
        """As those of ``TextColumn``."""
        texts, codes = self._column.codes
        more, codes_of_more = self._more.codes
        numbers, new = self._column.numbers, [*texts]
        numbers_of_more = np.empty(len(more), np.intp)
        for place, text in enumerate(more):
            numbers_of_more[place] = numbers.get(text, len(new))
            if text not in numbers:
                new.append(text)
        return new, np.append(codes, numbers_of_more[codes_of_more])

    @cached_property
    def ranks(self) -> np.ndarray:
        """As those of ``TextColumn``."""
        at_once(self.prepare_ranks())
        return self.ranks

    def prepare_ranks(self) -> Iterator[None]:
        """As that of ``TextColumn``."""
        yield from self._column.prepare_ranks()
        if "ranks" in vars(self):
            return
        texts, codes = self._more.codes
        keys = [natural_key(text) for text in texts]
        places = {key: self._column.rank_of(key) for key in sorted(set(keys))}
        yield
        # Each rank becomes greater by the number of texts that come before it and are new.
        new = [rank for rank, is_there in places.values() if not is_there]
        ranks_of_keys, passed = {}, 0
        for key, (rank, is_there) in places.items():
            ranks_of_keys[key] = rank + passed
            passed += not is_there
        ranks = np.empty(len(self._column) + len(codes), np.intp)
        for piece in pieces(len(self._column)):
            before = self._column.ranks[piece]
            ranks[: len(self._column)][piece] = before + np.searchsorted(new, before, side="right")
            yield
        ranks[len(self._column) :] = np.array([ranks_of_keys[key] for key in keys], np.intp)[codes]
        self.ranks = ranks


def _places(content: np.ndarray, sought: bytes) -> np.ndarray:
    """Return where ``sought`` begins in ``content``."""
    places = np.flatnonzero(content[: len(content) - len(sought) + 1] == sought[0])
    for index in range(1, len(sought)):
        places = places[content[places + index] == sought[index]]
    return places


def _fold_joined(content: bytes) -> InTurns[bytes]:
    """Fold texts that have NULs between them; with pauses if some are not ASCII."""
    if content.isascii():
        return content.lower()
    folded, begin = [], 0
    while begin <= len(content):
        end = content.find(b"\0", begin + _BYTES_A_TURN)
        end = len(content) if end < 0 else end
        folded.append(_fold_text(content[begin:end].decode("utf-8", "surrogateescape")))
        begin = end + 1
        yield
    return b"\0".join(folded)


def _fold_text(text: str) -> bytes:
    if _UNDECODABLE.search(text):
        # Each text on its own: some are UTF-8, others of the code page of Windows.
        text = "\0".join(map(readable, text.split("\0")))
    return fold_for_search(text).encode("utf-8", "surrogateescape")


def _used_size(texts: np.ndarray) -> int:
    """Return how many bytes the longest of some texts has."""
    characters = texts.view(np.uint8).reshape(len(texts), texts.dtype.itemsize)
    return int(np.flatnonzero(characters.any(axis=0)).max(initial=0)) + 1
