"""All lists of an archive, and the series that it is known to have by them.

A list is asked for anew for each question, by ``ArchiveQueries``; here it is remembered, with the
entries that clients see of its series, and what is another in it than before is forgotten.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set

from .... import codec
from ....net.source import NotReadyError, SourceError
from ...dicom import fields as dicom_fields
from ...dicom.volumes.places import issuers_apart
from ..archive import KEYWORDS, LONGEST_PATTERN, Query, Series
from .entries import FoundEntries, Items, Patients, patient_and_issuer
from .found_series import FoundSeries
from .queries import RETRY_SECONDS, ArchiveQueries, SeriesList

_logger = logging.getLogger(__name__)

_MOST_SEARCHES = 16
# As far as no list needs more: 1 KB each. Who asks for one that is forgotten searches once more.
_MOST_SERIES = 20_000


class ArchiveLists:
    """The list without a search, those of searches, and the series of studies.

    ``series`` are those that the archive is known to have, by the ids of their entries. ``found``
    is what other gateways have found. ``in_use`` are the ids of images whose series stay known.
    ``on_listed`` is called with the series of a list that is another now; ``on_forgotten`` with the
    ids and the UIDs of series that are another patient's now, perhaps, or gone, or of which nobody
    has asked for long.
    """

    def __init__(
        self,
        queries: ArchiveQueries,
        found: FoundSeries,
        patients: Patients,
        in_use: Iterable[str],
        on_listed: Callable[[Sequence[Series]], None],
        on_forgotten: Callable[[Set[str], Set[str]], None],
    ) -> None:
        self._queries = queries
        self._found = found
        self._patients = patients
        self._in_use = in_use
        self._on_listed = on_listed
        self._on_forgotten = on_forgotten
        self._default = SeriesList()
        self._searches: OrderedDict[frozenset[tuple[str, str]], SeriesList] = OrderedDict()
        self._studies: dict[str, SeriesList] = {}  # by their UIDs
        self.series: dict[str, Series] = {}
        self._items: dict[str, Items] = {}  # of series once fetched

    def begin(self) -> None:
        """Wait for the list without a search. Raises ``ArchiveError``."""
        self._set_found(self._default, self._queries.begin(self._default))

    @property
    def since(self) -> float:
        """When the question came that is answered now."""
        return self._queries.since

    def require_since(self, since: float, image_id: str) -> None:
        """Use no list that was asked for before; of an image that is known, any is enough."""
        self._queries.since = 0.0 if image_id in self.series else since

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the list without a search, as the archive has it now.

        Raises ``NotReadyError`` while it is asked, ``ArchiveError`` if it does not answer.
        """
        return self._entries_of(self._default, {})

    def search(self, attributes: Query) -> tuple[Sequence[codec.ImageMetaItem], str]:
        """Return the series with these attributes, and words if there are more.

        Raises as ``images`` does.
        """
        query = {key: attributes[key] for key in KEYWORDS if attributes.get(key)}
        if not query:
            return self.images(), self.notice
        if max(map(len, query.values())) > LONGEST_PATTERN:
            raise SourceError(f"a search has at most {LONGEST_PATTERN} characters in each field")
        listed = self._searches.setdefault(frozenset(query.items()), SeriesList())
        self._searches.move_to_end(frozenset(query.items()))
        self._forget_searches()
        return self._entries_of(listed, query), self._queries.notice_of(listed)

    @property
    def notice(self) -> str:
        """What there is to know of the list without a search: that there are more, perhaps."""
        return self._queries.notice_of(self._default)

    def update_studies(self, uids: Iterable[str]) -> None:
        """Know all series of these studies, and of no others. Raises as ``images`` does.

        A list that is cut, or of a search, need not have them.
        """
        self._studies = {uid: self._studies.get(uid) or SeriesList() for uid in uids}
        answered: dict[str, FoundEntries] = {}
        is_waiting = False
        try:
            for uid, listed in self._studies.items():
                try:
                    while (entries := self._queries.found_of_study(listed, uid)) is not None:
                        listed.entries = answered[uid] = entries
                except NotReadyError:  # the others are asked for at the same time
                    is_waiting = True
        finally:
            self._set_found_of_studies(answered)
        if is_waiting:
            raise NotReadyError(RETRY_SECONDS)

    def series_of_study(self, uid: str) -> list[Series]:
        """Return the series of one of the studies that were asked for, as they are known now."""
        ids = self._studies[uid].entries.series if uid in self._studies else ()
        known = [self.series[image_id] for image_id in ids if image_id in self.series]
        return [series for series in known if series["StudyInstanceUID"] == uid]

    def known(self, image_id: str) -> Series:
        """Return the series of an image. Raises as ``images`` does, and if there is none."""
        if image_id not in self.series:
            self.images()  # by another gateway to the same archive, it was perhaps listed already
        if image_id not in self.series and (query := self._found.query_for(image_id)):
            self.search(query)
        if image_id not in self.series:
            raise SourceError(
                f"No image has the id {image_id!r}; list the images, or search for it once more."
            )
        return self.series[image_id]

    def add(self, series: Mapping[str, Series]) -> None:
        """Know series by the ids of what else they have, such as label maps."""
        self.series |= series

    def items_of(self, series: Series) -> Items:
        """Return the entries of a series that was fetched; none of others."""
        return self._items.get(series.uid, ())

    def set_items(self, series: Series, items: Items) -> None:
        """Have a series that was fetched be listed as the images that it has."""
        if self._items.get(series.uid) != items:
            self._items[series.uid] = items
            self.series |= dict.fromkeys((item.id for item in items), series)
        if items:
            self._make_entries_anew()

    def issuers(self) -> Mapping[str, str]:
        """Return who has given the IDs of patients, by the ids of images, if several have."""
        named = {key: one for key, one in self.series.items() if one["IssuerOfPatientID"]}
        return issuers_apart({key: patient_and_issuer(one) for key, one in named.items()})

    def _all(self) -> Iterator[SeriesList]:
        yield self._default
        yield from self._searches.values()

    def _entries_of(self, listed: SeriesList, query: Query) -> Sequence[codec.ImageMetaItem]:
        while (entries := self._queries.found_now(listed, query)) is not None:
            self._set_found(listed, entries)
        if listed.items is None:
            made = listed.entries.items.items()
            listed.items = tuple(item for uid, some in made for item in self._items.get(uid, some))
        return listed.items

    def _set_found(self, listed: SeriesList, entries: FoundEntries) -> None:
        found, before = entries.found, listed.entries
        if found.ambiguous:
            self._forget(found.ambiguous & {known.uid for known in self.series.values()})
        if entries is before and listed.items is not None:
            return
        gone = () if found.is_cut else before.items.keys() - entries.items.keys()
        self._forget({*gone, *self._changed_in(entries)})
        listed.entries, listed.items = entries, None
        self._register(entries)
        if found.is_cut:
            _logger.warning("%s", self._queries.notice_of(listed))
        self._on_listed(found)
        listed.marks = entries.marks
        # A search has some of them only.
        self._patients.count(frozenset().union(*(one.marks for one in self._all())))
        self._forget_others()

    def _set_found_of_studies(self, answered: Mapping[str, FoundEntries]) -> None:
        if not answered:
            return
        changed = {uid for entries in answered.values() for uid in self._changed_in(entries)}
        for known in self.series.values():
            entries = answered.get(known["StudyInstanceUID"])
            if entries is not None and known.uid not in entries.items:
                changed.add(known.uid)
        self._forget(changed)
        for entries in answered.values():
            self._register(entries)

    def _changed_in(self, entries: FoundEntries) -> Iterator[str]:
        """Yield the UIDs of the series of which it is known no more what they were."""
        for image_id, series in entries.series.items():
            before = self.series.get(image_id)
            if before is not series and before is not None and before.version != series.version:
                yield series.uid

    def _register(self, entries: FoundEntries) -> None:
        """Know series as the archive has them now."""
        self.series |= entries.series
        for uid in self._items.keys() & entries.items.keys():
            series = entries.series[dicom_fields.image_id(uid)]
            self.series |= dict.fromkeys((item.id for item in self._items[uid]), series)

    def _forget_searches(self) -> None:
        """Forget those that came before the last ones, or before as many as have enough series.

        Not those for which the archive is asked.
        """
        idle = [(key, one) for key, one in self._searches.items() if not one.is_asked]
        total = 0
        for count, (key, listed) in enumerate(reversed(idle)):
            total += len(listed.entries.found)
            if count >= _MOST_SEARCHES or (count and total > _MOST_SERIES):
                del self._searches[key]

    def _forget_others(self) -> None:
        """Forget what is in no list and not in use, the oldest first: at least half of it."""
        excess = len(self.series) - _MOST_SERIES
        if excess <= 0:
            return
        of_images = {self.series[one].uid for one in self._in_use if one in self.series}
        lists = [*self._all(), *self._studies.values()]
        needed = of_images.union(*(one.entries.items for one in lists))
        uids = [uid for one in self.series.values() if (uid := one.uid) not in needed]
        self._drop({*uids[: max(excess, len(uids) // 2)]})

    def _forget(self, uids: Set[str]) -> None:
        """Forget what was fetched of series: they are another patient's now, perhaps, or gone."""
        if not uids:
            return
        self._drop(uids)
        self._make_entries_anew()
        for listed in self._searches.values():
            listed.marks = frozenset()  # until it is searched again

    def _make_entries_anew(self) -> None:
        for listed in self._all():
            listed.items = None

    def _drop(self, uids: Set[str]) -> None:
        ids = {image_id for image_id, known in self.series.items() if known.uid in uids}
        for image_id in ids:
            del self.series[image_id]
        for uid in uids:
            self._items.pop(uid, None)
        self._on_forgotten(ids, uids)
