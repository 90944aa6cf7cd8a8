"""An archive (PACS) as a source: its series are listed by a query, and fetched when asked for.

A series is one entry until it is fetched (``series.fetcher``): its size is not known before, and is
(0, 0, 0). Its files then lie in the cache as a folder, and ``DicomFolderSource`` makes the images
of them that it makes of any folder. If they are several volumes, the entry is replaced by those.

The archive is asked by threads. Meanwhile ``NotReadyError`` lets the server serve others.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ... import codec
from ...net.server.arriving_images import ArrivingImage
from ...net.source import NotReadyError, SourceError
from ..dicom import fields as dicom_fields
from ..dicom.folder import DicomFolderSource
from .archive import KEYWORDS, Archive, Filters, Query, Series
from .arriving.arriving_volume import ArrivingVolume, tag_of
from .arriving.growing_volume import GrowingVolume
from .lists.archive_lists import ArchiveLists
from .lists.entries import Patients, no_single_image
from .lists.found_series import FoundSeries
from .lists.queries import RETRY_SECONDS, ArchiveQueries
from .overlays import ArchiveOverlays
from .series.cache import SeriesCache
from .series.disk_checks import DiskChecks
from .series.fetched_images import FetchedImages
from .series.fetched_series import OpenedSeries
from .series.fetcher import SeriesFetcher
from .series.in_use import SeriesInUse
from .series.threads import end_threads

if TYPE_CHECKING:
    from concurrent.futures import Future

_logger = logging.getLogger(__name__)

MOST_ENTRIES = 1000
# How soon who waits for the first slice asks again, and who waits for some of the others.
_FIRST_RETRY_SECONDS, _PART_RETRY_SECONDS = 0.001, 0.003
_FETCHES_AT_ONCE = 4
# Of images that have come, and that nobody has come for, so many are kept in memory.
_MOST_UNCLAIMED = 2


class ArchiveSource:
    """Offers the images of an archive that ``filters`` admit, at most ``most`` series of them.

    ``modalities`` are asked for one by one; without them, all. ``jobs`` processes decode compressed
    pixels; ``seconds_a_turn`` is as in ``DicomFolderSource``. The archive is asked for the list at
    once: raises ``ArchiveError`` if it does not answer.
    """

    search_keywords = KEYWORDS

    def __init__(
        self,
        archive: Archive,
        cache: SeriesCache,
        filters: Filters | None = None,
        modalities: Sequence[str] = (),
        *,
        most: int = MOST_ENTRIES,
        jobs: int = 1,
        seconds_a_turn: float | None = None,
    ) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._archive = archive
        self._executor = ThreadPoolExecutor(_FETCHES_AT_ONCE, "archive")
        self._fetches: dict[Hashable, tuple[Series, Future[OpenedSeries]]] = {}
        self._opened = SeriesInUse()
        self._patients = Patients(archive)
        self._fetched = FetchedImages()
        self._checks = DiskChecks()
        self._fetcher = SeriesFetcher(archive, cache, self._fetched, jobs, seconds_a_turn)
        found = FoundSeries(cache.folder)
        self._lists = ArchiveLists(
            ArchiveQueries(archive, self._executor, filters or {}, modalities, most, found),
            found,
            self._patients,
            self._fetched,
            self._fetcher.look_ahead,
            self._forget,
        )
        self._overlays = ArchiveOverlays(
            self._lists, self._fetched, self._open, lambda: self._lists.since
        )
        self._lists.begin()
        self._fetcher.wait_until_ready()

    def close(self) -> None:
        """End what runs, fetches within the file that comes. Nothing can be asked any more."""
        self._fetcher.stop()
        self._archive.close()
        end_threads(self._executor, self._archive)
        for _, fetch in self._fetches.values():
            if _has_succeeded(fetch):
                fetch.result().close()
        self._opened.close()
        self._checks.close()
        self._fetcher.close()

    # Lists ---------------------------------------------------------------------------------------

    def require_lists_since(self, since: float, image_id: str = "") -> None:
        """Use no list that was asked for before; of an image that is known, any is enough."""
        self._lists.require_since(since, image_id)

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the list as the archive has it now.

        Raises ``NotReadyError`` while it is asked, ``ArchiveError`` if it does not answer.
        """
        self._finish_fetches()
        return self._lists.images()

    def search(self, attributes: Query) -> tuple[Sequence[codec.ImageMetaItem], str]:
        """Return the series with these attributes, and words if there are more.

        Raises as ``images`` does.
        """
        self._finish_fetches()
        return self._lists.search(attributes)

    @property
    def notice(self) -> str:
        """What there is to know of the list of images: that there are more, perhaps."""
        return self._lists.notice

    def issuers(self) -> Mapping[str, str]:
        """Return who has given the IDs of patients, by the ids of images, if several have."""
        return self._lists.issuers()

    def _known(self, image_id: str) -> Series:
        if image_id not in self._lists.series:
            self._finish_fetches()
        return self._lists.known(image_id)

    def _finish_fetches(self) -> None:
        """Have the entries of series that have come be those of their images.

        Raises ``NotReadyError`` while one is opened.
        """
        self._keep_done()
        if self._fetcher.finish_soon():
            raise NotReadyError(RETRY_SECONDS)

    def _forget(self, ids: Set[str], uids: Set[str]) -> None:
        """Forget what was fetched of series, which have these ids and UIDs."""
        self._fetched.forget(ids)
        self._overlays.forget(uids)
        for uid in uids:
            self._opened.close_one(uid)

    # Images --------------------------------------------------------------------------------------

    def image(self, image_id: str) -> codec.ImageMessage:
        """Return an image, when its series is fetched and its pixels are read.

        Raises ``NotReadyError`` until then, ``SourceError`` if it cannot be had.
        """
        series = self._known(image_id)
        try:
            source = self._source_of(series)
        except NotReadyError:
            arriving = self._arriving(series, image_id)
            image = None if arriving is None else arriving.image(image_id)
            if image is None:
                raise
            return replace(image, metadata=self._patients.described(series, image.metadata))
        is_label_map = image_id in self._overlays.series_of_label_maps
        if not is_label_map and image_id not in _ids(self._lists.items_of(series)):
            raise no_single_image(self._lists.items_of(series), source.refused)
        try:
            self._require_unchanged(series)
            image = source.image(image_id)
            if is_label_map:
                return self._overlays.with_notice(image)
            self._fetched.add(series["StudyInstanceUID"], source.stacks())
            return replace(image, metadata=self.metadata(image_id))
        except SourceError:
            # Another process may have made room in the cache: then it is fetched once more.
            if not self._opened[series.uid].is_lost:
                raise
            self._opened.close_one(series.uid)
            raise NotReadyError from None

    def _require_unchanged(self, series: Series) -> None:
        """Fetch a series once more if the disk has not what came, see ``image``."""
        opened = self._opened[series.uid]
        if not self._checks.is_unchanged(opened):
            if not opened.is_lost:
                _logger.warning("a series on disk is damaged, and is fetched again")
            self._opened.close_one(series.uid)
            raise NotReadyError

    def arriving_image(self, request: codec.GetImagePartMessage) -> ArrivingImage | None:
        """Return an image of which the slices of a part have come from the archive.

        None if its series is whole. Raises as ``image`` does.
        """
        image_id = request.device_name
        series = self._known(image_id)
        if self._is_fetched(series):
            return None
        arriving = self._arriving(series, image_id)
        found = None if arriving is None else arriving.image_for(request)
        if found is None:
            raise NotReadyError(_PART_RETRY_SECONDS if request.tag else _FIRST_RETRY_SECONDS)
        found.message.metadata = self._patients.described(series, found.message.metadata)
        return found

    def growing_image(self, image_id: str) -> GrowingVolume | None:
        """Return an image that can be sent while it comes, slice by slice.

        None if it is whole, or has to be before it is sent. Raises as ``image`` does.
        """
        series = self._known(image_id)
        arriving = None if self._is_fetched(series) else self._arriving(series, image_id)
        # What turned out to be another image once is sent when it is whole.
        if arriving is None or not arriving.may_grow or not self._fetcher.is_confirmed(series):
            return None
        message = arriving.first_image(image_id)
        if message is None:
            raise NotReadyError(_FIRST_RETRY_SECONDS)
        message.metadata = self._patients.described(series, message.metadata)
        return GrowingVolume(arriving, message, partial(self.image, image_id))

    def _arriving(self, series: Series, image_id: str) -> ArrivingVolume | None:
        is_whole_series = image_id == dicom_fields.image_id(series.uid)
        return self._fetcher.arriving(series) if is_whole_series else None

    def image_tag(self, image_id: str, message: codec.ImageMessage) -> str:
        """Return the tag of an image that was perhaps sent in slices; empty of all others.

        Raises as ``image_version`` does.
        """
        series = self._known(image_id)
        self._keep_done()
        stack = None
        if (opened := self._opened.get(series.uid)) is not None:
            stack = opened.source.stacks().get(image_id) if len(opened.items) == 1 else None
        elif (arriving := self._arriving(series, image_id)) is not None:
            stack = arriving.stack
        if stack is None or not self._fetcher.is_confirmed(series):
            return ""
        return tag_of(image_id, series, stack, message.pixels.dtype)

    def image_version(self, image_id: str) -> Hashable:
        """What the archive's list says of the series. Raises ``SourceError``."""
        notice = self._overlays.notices_of_label_maps.get(image_id, "")
        return self._known(image_id).version, notice

    def kept_thumbnail(self, image_id: str) -> None:
        """None: it is made of the image, unless the archive would have to send it just for that.

        Raises ``SourceError`` then.
        """
        if self._known(image_id).uid not in self._opened:
            if self._fetcher.finish_soon():
                raise NotReadyError(RETRY_SECONDS)
            raise SourceError(
                "This series has not been fetched from the archive, and is not for a thumbnail: "
                "load the image first."
            )

    def keep_thumbnail(self, image_id: str, thumbnail: codec.ThumbnailMessage) -> None:
        """The server keeps it in memory: here is no place that stays."""

    def metadata(self, image_id: str) -> Mapping[str, str]:
        """What is known of an image: of a series that is not fetched, what the archive lists."""
        series = self._known(image_id)
        self._keep_done()
        opened = self._opened.get(series.uid)
        if opened is not None and image_id in _ids(self._lists.items_of(series)):
            return self._patients.described(series, opened.source.metadata(image_id))
        return self._patients.described(series, {})

    # Overlays ------------------------------------------------------------------------------------

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the plans for images that were fetched: of their patient, in their space.

        Raises ``NotReadyError`` while they are fetched themselves.
        """
        self._update_studies()
        return self._overlays.trajectories()

    def documents_of_trajectories(self) -> Sequence[str]:
        """Return the SOPInstanceUIDs of the plans that the trajectories are of, one for each."""
        self._update_studies()
        return self._overlays.documents_of_trajectories()

    def notices_of_documents(self) -> Mapping[str, str]:
        """Return what is to be known of plans that are valid, by their SOPInstanceUIDs."""
        self._update_studies()
        return self._overlays.notices_of_documents()

    def notice_of_missing(self, data_type: str) -> str:
        """Return what there is to know of patients of whom the last list has nothing."""
        return self._overlays.notices_of_missing.get(data_type, "")

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the structures in images that were fetched. Raises as ``trajectories`` does."""
        self._update_studies()
        items = self._overlays.label_maps()
        self._lists.add(self._overlays.series_of_label_maps)
        return items

    def _update_studies(self) -> None:
        """Know all series of the studies of which an image was fetched.

        Raises ``NotReadyError``.
        """
        self._finish_fetches()
        self._lists.update_studies(self._fetched.studies)

    # Series --------------------------------------------------------------------------------------

    def _source_of(self, series: Series) -> DicomFolderSource:
        """Return the source for a series, or begin to fetch it and raise ``NotReadyError``."""
        if series.uid in self._opened:
            return self._opened.use(series.uid).source
        version = series.version
        if version not in self._fetches:
            self._keep_done()  # who was sent an image as it came does not ask for it any more
            fetch = self._executor.submit(self._fetch, series)
            fetch.add_done_callback(_free_what_failed)
            self._fetches[version] = series, fetch
        _, fetch = self._fetches[version]
        if not fetch.done():
            raise NotReadyError(RETRY_SECONDS)
        del self._fetches[version]
        opened = fetch.result()
        self._keep(series, opened)
        return opened.source

    def _fetch(self, series: Series) -> OpenedSeries:
        """Fetch a series, in a thread, and have memory for it: clients may have left meanwhile."""
        done = [one for one in [*self._fetches.values()] if _has_succeeded(one[1])]
        for other, fetch in done[:-_MOST_UNCLAIMED]:
            fetch.result().source.forget_pixels()
            self._fetcher.forget_arriving(other)
        return self._fetcher.fetch(series)

    def _open(self, series: Series) -> OpenedSeries:
        """Return a series that was fetched. Raises as ``_source_of`` does."""
        self._source_of(series)
        return self._opened[series.uid]

    def _is_fetched(self, series: Series) -> bool:
        """Whether a series is there; else it begins to be fetched. Raises ``SourceError``."""
        try:
            self._source_of(series)
        except NotReadyError:
            return False
        return True

    def _keep_done(self) -> None:
        """Keep the series that are there, and of which nobody has asked for more than slices."""
        for version, (series, fetch) in [*self._fetches.items()]:
            if not _has_succeeded(fetch):
                continue
            del self._fetches[version]
            known = self._lists.series.get(dicom_fields.image_id(series.uid))
            if known is not None and known.version == version:
                self._keep(known, fetch.result())
            else:  # the archive has others in its place
                self._fetcher.forget_arriving(series)
                fetch.result().source.close()

    def _keep(self, series: Series, opened: OpenedSeries) -> None:
        self._opened.add(series.uid, opened, self._overlays.uids())
        self._fetcher.forget_arriving(series)
        self._lists.set_items(series, opened.items)
        self._fetched.add(series["StudyInstanceUID"], opened.source.stacks())


def _has_succeeded(fetch: Future[OpenedSeries]) -> bool:
    return fetch.done() and not fetch.cancelled() and fetch.exception() is None


def _free_what_failed(fetch: Future[OpenedSeries]) -> None:
    """Let go of what a fetch had in memory when it failed: nobody may ever come for its error.

    The error's traceback holds the frames, and these hold files and voxels.
    """
    error = None if fetch.cancelled() else fetch.exception()
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _ids(items: Iterable[codec.ImageMetaItem]) -> set[str]:
    return {item.id for item in items}
