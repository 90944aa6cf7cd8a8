"""Answers of the registry, kept until what they were made from changes.

An answer can be made from others: a computed one asks the registry for the matrix, and a DICOM file
is found by the SeriesInstanceUID that another provider knows. So while an answer is made, all that
is asked for is written down, and a change of any of it drops the answer. Kept is an answer only if
every provider that was asked for it notifies of its changes (``ObservableProvider``).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

Queries = tuple[Hashable, ...]


@dataclass(eq=False, slots=True)
class Making:
    """An answer that is being made.

    ``depth`` is how many questions were open when it was begun, ``changes`` how many changes there
    had been.
    """

    depth: int
    changes: int
    asked_for: set[Hashable] = field(default_factory=set)
    is_observable: bool = True
    is_whole: bool = True


class AnswerCache:
    """``answers[queries][type]``; when there are ``most_answers``, all are forgotten.

    The bound is on the links between queries, too, of which there are few.
    """

    def __init__(self, most_answers: int) -> None:
        self.answers: dict[Queries, dict[str, Any]] = {}
        self.making: list[Making] = []
        self._most_answers = most_answers
        self._count = 0
        self._made_from: dict[Hashable, set[Queries]] = {}
        self.link_count = 0
        self._changes = 0

    def __len__(self) -> int:
        return self._count

    def begin(self, depth: int) -> None:
        """An answer is being made from now on."""
        self.making.append(Making(depth, self._changes))

    def on_asked(self, queries: Queries) -> None:
        """What is being made depends on what is known under ``queries``."""
        if self.making:
            try:
                self.making[-1].asked_for.update(queries)
            except TypeError:  # an unhashable query: nobody could notify of its changes
                self.making[-1].is_observable = False

    def on_unobservable(self) -> None:
        """Somebody was asked who does not notify of changes, or who failed."""
        if self.making:
            self.making[-1].is_observable = False

    def on_skipped(self, depth: int) -> None:
        """The provider of open question number ``depth`` could not be asked again.

        What is made inside that question lacks its answer, and is true only there.
        """
        for making in self.making:
            if making.depth > depth:
                making.is_whole = False

    def end(self, queries: Queries, type_: str, answer: Any) -> None:
        """Keep the answer that was begun last, if it can be kept."""
        made = self.making.pop()
        if self.making:
            self.making[-1].asked_for |= made.asked_for
            self.making[-1].is_observable &= made.is_observable
        # A change while it was made may have come too late for it.
        if made.is_observable and made.is_whole and made.changes == self._changes:
            self._keep(queries, type_, answer, made.asked_for)

    def abandon(self) -> None:
        """Forget what was begun last: it was interrupted."""
        self.making.pop()

    def _keep(self, queries: Queries, type_: str, answer: Any, asked_for: set[Hashable]) -> None:
        if max(self._count, self.link_count) >= self._most_answers:
            self.drop(None)
        self.answers.setdefault(queries, {})[type_] = answer
        self._count += 1
        for query in asked_for:
            if queries != (query,):
                self._made_from.setdefault(query, set()).add(queries)
                self.link_count += 1

    def drop(self, query: Hashable) -> None:
        """Forget all that was made from what is known under ``query``; all for None."""
        self._changes += 1
        if query is None:
            self.answers.clear()
            self._made_from.clear()
            self._count = self.link_count = 0
            return
        waiting, seen = [query], set()
        while waiting:
            changed = waiting.pop()
            if changed in seen:
                continue
            seen.add(changed)
            for queries in {(changed,), *self._made_from.pop(changed, ())}:
                self._count -= len(self.answers.pop(queries, ()))
                waiting += queries
