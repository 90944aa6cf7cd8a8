"""The lists of an archive: its series that match a query, asked for in a thread.

Whoever asks for a list gets what the archive has then, not what it had before the question: another
module or client may have stored a document since. Within one question, which a server asks in turns
until the list is there, the archive is asked once.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....net.source import NotReadyError
from ..archive import (
    MOST_OF_STUDY,
    NAMES,
    Archive,
    Filters,
    Query,
    QueryResult,
    Series,
    require_all,
)
from .entries import FoundEntries, Items, Mark, entries_of
from .found_series import UID_KEYWORDS, FoundSeries
from .patterns import RANGES, as_asked, common_range, is_within, matches

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

RETRY_SECONDS = 0.01
"""How soon who waits for the archive asks again."""


@dataclass
class SeriesList:
    """What a query has found, and the entries that clients see of it, when they are put together.

    ``marks`` are what the patients are told apart by. ``asked_at`` is when the archive was asked
    for what is here, in ``time.monotonic`` seconds.
    """

    entries: FoundEntries = field(default_factory=FoundEntries)
    asked_at: float = -math.inf
    query: tuple[float, Future[FoundEntries]] | None = None  # when it was sent, and it
    items: Items | None = None
    marks: frozenset[Mark] = frozenset()

    @property
    def is_asked(self) -> bool:
        """Whether the archive is being asked."""
        return self.query is not None and not self.query[1].done()


class ArchiveQueries:
    """Asks ``archive`` for series that ``filters`` admit, for at most ``most`` of them.

    What searches find is noted in ``found``. ``modalities`` are asked for one by one; without them,
    all. ``since`` is when the question came that is answered now: of lists that were asked for
    before it, nothing is used.
    """

    def __init__(
        self,
        archive: Archive,
        executor: Executor,
        filters: Filters,
        modalities: Sequence[str],
        most: int,
        found: FoundSeries,
    ) -> None:
        self.most = most
        self._found = found
        self.since = 0.0
        # UIDs of series that the archive has of several patients, or in several studies.
        self._ambiguous: frozenset[str] = frozenset()
        self._lock = threading.Lock()  # several threads find some
        self._archive = archive
        self._executor = executor
        self._filters = filters if callable(filters) else dict(filters).copy
        self._modalities = tuple(modalities)

    def begin(self, listed: SeriesList) -> FoundEntries:
        """Return the list without a search, when it has come. Raises ``ArchiveError``.

        A signal can interrupt that: it is a thread that connects, or looks up the archive's name.
        """
        listed.asked_at = time.monotonic()
        try:
            return self._executor.submit(self._entries, listed.entries, self.find, {}).result()
        except BaseException:  # nobody will ask for anything
            self._executor.shutdown(wait=False)
            raise

    def notice_of(self, listed: SeriesList) -> str:
        """Return what there is to know of a list: that there are more, perhaps."""
        words, found = [], listed.entries.found
        if found.is_cut:
            words.append(
                f"These are {len(found)} series; {self._archive.name} has more that "
                "match. Search for a patient, a date or a modality"
            )
        if left_out := len(found.ambiguous):
            words.append(
                f"{left_out} series {'is' if left_out == 1 else 'are'} left out, "
                "whose UID the archive has of several patients or studies; ask who runs it"
            )
        return ". ".join(words)

    def found_now(
        self, listed: SeriesList, query: Query, find: Callable[[Query], QueryResult] | None = None
    ) -> FoundEntries | None:
        """Return what has come of the archive; None if nothing newer is needed than is known.

        If it is as before, it is what ``listed`` has. ``find`` asks it, in a thread. It may have
        been asked before the question came: to be called until it returns None. Raises
        ``NotReadyError`` while it is asked, and ``ArchiveError``, for each who needs it.
        """
        if listed.asked_at >= self.since:
            return None
        if listed.query is None:
            asked_at, ask = time.monotonic(), find or self.find
            entries = self._executor.submit(self._entries, listed.entries, ask, query)
            listed.query = asked_at, entries
        asked_at, answer = listed.query
        if not answer.done():
            raise NotReadyError(RETRY_SECONDS)
        listed.query = None
        found = answer.result()
        listed.asked_at = asked_at
        return found

    def found_of_study(self, listed: SeriesList, uid: str) -> FoundEntries | None:
        """Return what has come of the series of a study, as ``found_now`` does: all of them.

        However few are listed at most; else a plan that was replaced would count as valid.
        """
        return self.found_now(listed, {"StudyInstanceUID": uid}, self._find_whole)

    def _entries(
        self, before: FoundEntries, find: Callable[[Query], QueryResult], query: Query
    ) -> FoundEntries:
        """Ask the archive, in a thread; return what was there ``before`` if it is the same."""
        return before if before.found.is_same(found := find(query)) else entries_of(found)

    def _find_whole(self, query: Query) -> QueryResult:
        return require_all(self.find(query, MOST_OF_STUDY), self._archive)

    def find(self, query: Query, most: int = 0) -> QueryResult:
        """Ask the archive, in a thread, for so many, or as many as are listed."""
        most = most or self.most
        filters = self._filters()
        found: dict[str, Series] = {}
        is_cut = False
        whose: dict[str, set[tuple[str, str]]] = {}
        for modality in self._modalities or ("",):
            filters_here = {**filters, "Modality": modality} if modality else filters
            asked = _both(query, filters_here)
            if asked is None:
                continue
            told = self._archive.find(asked, most + 1)
            is_cut |= told.is_cut or len(told) > most
            for series in told:
                whose.setdefault(series.uid, set()).add(series.belongs_to)
                # The filter holds whatever is searched for, and whatever the archive passes over.
                if matches(series, filters_here) and matches(series, query):
                    found[series.uid] = series
            if len(found) > most:
                break
        ambiguous = frozenset(uid for uid, several in whose.items() if len(several) > 1)
        # What the whole list has once may be corrected; another list need not have both.
        is_whole = not query and not is_cut and len(found) <= most
        with self._lock:
            self._ambiguous = ambiguous if is_whole else self._ambiguous | ambiguous
            left_out = self._ambiguous & whose.keys()
        listed = [one for one in found.values() if one.uid not in left_out][:most]
        if query.keys() - {*UID_KEYWORDS}:  # else it was found before
            self._found.note(query, listed)
        return QueryResult(listed, is_cut or len(found) > most, left_out)


def _both(query: Query, filters: Query) -> dict[str, str] | None:
    """Return what to ask an archive for that is to match both; None if nothing can.

    It takes one pattern for each keyword, and may find more by it, which is to be left out: the
    range of days or times that are in both; what is searched for, if the filter admits it; else the
    filter.
    """
    query, filters = as_asked(query), as_asked(filters)
    both = {**query, **filters}
    for key in query.keys() & filters.keys():
        wanted = query[key]
        if key in RANGES:
            common = common_range(key, wanted, filters[key])
            if common is None:
                return None
            both[key] = common
        elif is_within(key, wanted, filters[key]):
            both[key] = wanted
        elif key not in NAMES and not {"*", "?"} & {*wanted}:  # names have several spellings
            return None
    return both
