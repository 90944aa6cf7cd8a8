"""All lists of an archive, and the series that it is known to have by them.

A list is asked for anew for each question, by ``ArchiveQueries``; here it is remembered, with the
entries that clients see of its series, and what is another in it than before is forgotten.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set

from .... import codec
from ....net.source import SourceError
from ...dicom import fields as dicom_fields
from ...dicom.volumes.places import issuers_apart
from ..archive import KEYWORDS, LONGEST_PATTERN, NOT_IMAGES, Query, QueryResult, Series
from .entries import Patients, frame_of, marks_of, patient_and_issuer, series_version
from .found_series import FoundSeries
from .queries import ArchiveQueries, SeriesList

_logger = logging.getLogger(__name__)

_MOST_SEARCHES = 16


class ArchiveLists:
    """The list without a search, those of searches, and the series of studies.

    ``series`` are those that the archive is known to have, by the ids of their entries. ``found``
    is what other gateways have found. ``on_listed`` is called with the series of a list that is
    another now; ``on_forgotten`` with the ids and the UIDs of series that are another patient's
    now, perhaps, or gone.
    """

    def __init__(
        self,
        queries: ArchiveQueries,
        found: FoundSeries,
        patients: Patients,
        on_listed: Callable[[Sequence[Series]], None],
        on_forgotten: Callable[[Set[str], Set[str]], None],
    ) -> None:
        self._queries = queries
        self._found = found
        self._patients = patients
        self._on_listed = on_listed
        self._on_forgotten = on_forgotten
        self._default = SeriesList()
        self._searches: OrderedDict[frozenset[tuple[str, str]], SeriesList] = OrderedDict()
        self.series: dict[str, Series] = {}
        self._items: dict[str, tuple[codec.ImageMetaItem, ...]] = {}  # of series once fetched

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
        idle = [key for key, one in self._searches.items() if not one.is_asked]
        for key in idle[: max(0, len(idle) - _MOST_SEARCHES)]:
            del self._searches[key]
        return self._entries_of(listed, query), self._queries.notice_of(listed)

    @property
    def notice(self) -> str:
        """What there is to know of the list without a search: that there are more, perhaps."""
        return self._queries.notice_of(self._default)

    def update_study(self, uid: str) -> None:
        """Know all series of a study. Raises as ``images`` does.

        A list that is cut, or of a search, need not have them.
        """
        while (found := self._queries.found_of_study(uid)) is not None:
            known = [one for one in self.series.values() if one["StudyInstanceUID"] == uid]
            self._forget_missing(known, found)
            for series in found:
                self._register(series)

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

    def items_of(self, series: Series) -> tuple[codec.ImageMetaItem, ...]:
        """Return the entries of a series that was fetched; none of others."""
        return self._items.get(series.uid, ())

    def set_items(self, series: Series, items: tuple[codec.ImageMetaItem, ...]) -> None:
        """Have a series that was fetched be listed as the images that it has."""
        if self._items.get(series.uid) != items:
            self._items[series.uid] = items
            self.series |= dict.fromkeys((item.id for item in items), series)
        if items:
            self._make_entries_anew()

    def issuers(self) -> Mapping[str, str]:
        """Return who has given the IDs of patients, by the ids of images, if several have."""
        return issuers_apart(
            {key: patient_and_issuer(series) for key, series in self.series.items()}
        )

    def _all(self) -> Iterator[SeriesList]:
        yield self._default
        yield from self._searches.values()

    def _entries_of(self, listed: SeriesList, query: Query) -> Sequence[codec.ImageMetaItem]:
        while (found := self._queries.found_now(listed, query)) is not None:
            self._set_found(listed, found)
        if listed.items is None:
            listed.items = tuple(item for one in listed.series for item in self._entries(one))
        return listed.items

    def _entries(self, series: Series) -> Sequence[codec.ImageMetaItem]:
        if series.uid in self._items:
            return self._items[series.uid]
        if series["Modality"] in NOT_IMAGES:
            return ()
        frame = frame_of(series)
        name, item_id = dicom_fields.series_name(frame), dicom_fields.image_id(series.uid)
        return (dicom_fields.listing_item(frame, name, item_id, (0, 0, 0), codec.ScalarType.UINT8),)

    def _set_found(self, listed: SeriesList, found: QueryResult) -> None:
        is_same = [*listed.series] == found
        listed.is_cut, listed.left_out = found.is_cut, len(found.ambiguous)
        if ambiguous := found.ambiguous & {known.uid for known in self.series.values()}:
            self._forget(ambiguous)
        if is_same and listed.items is not None:
            return
        self._forget_missing(listed.series, found)
        listed.series, listed.items = found, None
        for series in listed.series:
            self._register(series)
        if listed.is_cut:
            _logger.warning("%s", self._queries.notice_of(listed))
        self._on_listed(listed.series)
        listed.marks = frozenset(mark for one in listed.series for mark in marks_of(one))
        # A search has some of them only.
        self._patients.count(frozenset().union(*(one.marks for one in self._all())))

    def _register(self, series: Series) -> None:
        """Know a series as the archive has it now, and nothing of what it was before."""
        image_id = dicom_fields.image_id(series.uid)
        before = self.series.get(image_id)
        if before is not None and series_version(before) != series_version(series):
            self._forget({series.uid})
        self.series[image_id] = series
        self.series |= dict.fromkeys((item.id for item in self.items_of(series)), series)

    def _forget_missing(self, before: Iterable[Series], found: QueryResult) -> None:
        """Forget the series that were listed before, if the archive has them no more."""
        gone = {one.uid for one in before} - {one.uid for one in found}
        if gone and not found.is_cut:
            self._forget(gone)

    def _forget(self, uids: Set[str]) -> None:
        """Forget what was fetched of series: they are another patient's now, perhaps, or gone."""
        ids = {image_id for image_id, known in self.series.items() if known.uid in uids}
        for image_id in ids:
            del self.series[image_id]
        for uid in uids:
            self._items.pop(uid, None)
        self._on_forgotten(ids, uids)
        self._make_entries_anew()
        for listed in self._searches.values():
            listed.marks = frozenset()  # until it is searched again

    def _make_entries_anew(self) -> None:
        for listed in self._all():
            listed.items = None
