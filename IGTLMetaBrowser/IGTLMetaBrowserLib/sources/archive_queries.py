"""The lists of an archive: its series that match a query, asked for in a thread.

A list is believed for a moment, so that clients that ask for it again do not trouble the archive.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import codec
from ..net.source import NotReadyError
from .archive import Archive, Query, Series, matches

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

RETRY_SECONDS = 0.01
"""How soon who waits for the archive asks again."""

# How long a list of the archive is believed when clients ask for it again.
_SECONDS_BETWEEN_QUERIES = 2.0


@dataclass
class Listing:
    """What a query has found: the series, whether there are more, and the entries of them.

    ``names`` are the IDs of their patients, each with the name.
    """

    series: Sequence[Series] = ()
    is_cut: bool = False
    asked_at: float = -_SECONDS_BETWEEN_QUERIES
    query: Future[list[Series]] | None = None
    items: tuple[codec.ImageMetaItem, ...] | None = None
    names: frozenset[tuple[str, str]] = frozenset()


class ArchiveQueries:
    """Asks ``archive`` for series that ``filters`` admit, for at most ``most`` of them.

    ``modalities`` are asked for one by one; without them, all.
    """

    def __init__(
        self,
        archive: Archive,
        executor: Executor,
        filters: Query,
        modalities: Sequence[str],
        most: int,
    ) -> None:
        self.most = most
        self._archive = archive
        self._executor = executor
        self._filters = dict(filters)
        self._modalities = tuple(modalities)

    def notice_of(self, listing: Listing) -> str:
        """Return what there is to know of a list: that there are more, perhaps."""
        if not listing.is_cut:
            return ""
        return (
            f"These are {self.most} series; {self._archive.name} has more that match. "
            "Search for a patient, a date or a modality"
        )

    def found_now(self, listing: Listing, query: Query) -> list[Series] | None:
        """Return what the archive has now; None if it was asked just before.

        Raises ``NotReadyError`` while it is asked, ``ArchiveError`` if it does not answer.
        """
        is_old = time.monotonic() - listing.asked_at > _SECONDS_BETWEEN_QUERIES
        if listing.query is None and is_old:
            listing.query = self._executor.submit(self.find, query)
        if listing.query is None:
            return None
        if not listing.query.done():
            raise NotReadyError(RETRY_SECONDS)
        done, listing.query = listing.query, None
        return done.result()

    def find(self, query: Query) -> list[Series]:
        """Ask the archive, in a thread; return one series more than is listed if there are more."""
        asked = {**query, **self._filters}
        modalities = self._modalities or ("",)
        found: dict[str, Series] = {}
        for modality in modalities:
            asked_here = {**asked, "Modality": modality} if modality else asked
            for series in self._archive.find(asked_here, self.most + 1):
                # The filter holds whatever is searched for, and whatever the archive passes over.
                if matches(series, asked_here) and matches(series, query):
                    found[series.uid] = series
            if len(found) > self.most:
                break
        return [*found.values()][: self.most + 1]
