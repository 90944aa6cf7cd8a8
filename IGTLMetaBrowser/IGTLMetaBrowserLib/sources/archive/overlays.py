"""The plans, segmentations and structure sets of an archive, as overlays of its images."""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import replace

from ... import codec
from ...dicom_index.rows import Row
from ...net.source import NotReadyError, SourceError
from ..dicom.folder import DicomFolderSource
from ..dicom.plans import Plan, images_of_series, notices_of, valid_plans
from ..dicom.replaced_documents import DocumentVersion, conflict_notices, replaced_keys
from ..dicom.volumes.stacks import Stack
from .archive import Series
from .lists.archive_lists import ArchiveLists
from .lists.entries import is_same_patient
from .lists.queries import RETRY_SECONDS
from .series.fetched_images import FetchedImages
from .series.fetched_series import OpenedSeries

_logger = logging.getLogger(__name__)

_STRUCTURES, _PLANS = ("SEG", "RTSTRUCT"), "SR"


class ArchiveOverlays:
    """Offers overlays of images that were fetched: of their patient, in their frame of reference.

    ``lists`` are those of the archive; ``images`` are those that were fetched. Both belong to the
    source. ``open_series`` returns a fetched
    series; it raises ``NotReadyError`` while it is fetched, and ``SourceError`` if it cannot be
    had. ``since`` returns when the question came that is answered now: what could not be had since
    then is not fetched again for it. It may have replaced what is there, which says so; where
    nothing is there, ``SourceError`` does.
    """

    def __init__(
        self,
        lists: ArchiveLists,
        images: FetchedImages,
        open_series: Callable[[Series], OpenedSeries],
        since: Callable[[], float],
    ) -> None:
        self._lists = lists
        self._images = images
        self._open_series = open_series
        self._since = since
        # By the UIDs of series that cannot be had: when that was seen, and why.
        self._failed: dict[str, tuple[float, str]] = {}
        # By the ids of the label maps: their series, and what is to be known of their documents.
        self.series_of_label_maps: dict[str, Series] = {}
        self.notices_of_label_maps: dict[str, str] = {}
        # By the types of their messages: what the lists that were made last do not have.
        self.notices_of_missing: dict[str, str] = {}

    def uids(self) -> set[str]:
        """Return those of the series that lists are made of: all are needed at a time."""
        return {series.uid for series in self._listed((*_STRUCTURES, _PLANS))}

    def forget(self, uids: Set[str]) -> None:
        """Forget series that the archive has no more as they were."""
        self._failed = {uid: why for uid, why in self._failed.items() if uid not in uids}
        self.series_of_label_maps = {
            image_id: known
            for image_id, known in self.series_of_label_maps.items()
            if known.uid not in uids
        }

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return those of all valid plans. Raises ``NotReadyError`` while these are fetched."""
        return [item for plan in self._plans() for item in plan.trajectories]

    def documents_of_trajectories(self) -> Sequence[str]:
        """Return the SOPInstanceUIDs of the plans that the trajectories are of, one for each."""
        return [plan.uid for plan in self._plans() for _ in plan.trajectories]

    def notices_of_documents(self) -> Mapping[str, str]:
        """Return what is to be known of plans that are valid, by their SOPInstanceUIDs."""
        return notices_of(self._plans())

    def _plans(self) -> list[Plan]:
        """Return those that are valid, in the space of an image. Raises ``NotReadyError``."""
        fetched, missing = self._fetched(_PLANS), self._missing(_PLANS)
        plans = [plan for _, opened in fetched for plan in opened.plans]
        patients = {plan.uid: one["PatientID"] for one, two in fetched for plan in two.plans}
        valid = valid_plans(plans, self._images)
        patients_there = [patients[plan.uid] for plan in valid]
        self._note_missing("TRAJ", patients_there, missing)
        return [
            replace(plan, notice=_both(plan.notice, _replacing(missing[patient])))
            for plan, patient in zip(valid, patients_there, strict=True)
        ]

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the structures that are valid. Raises ``NotReadyError`` as ``trajectories``."""
        sources: list[tuple[Series, DicomFolderSource]] = []
        versions: list[DocumentVersion] = []
        fetched, missing = self._fetched(*_STRUCTURES), self._missing(*_STRUCTURES)
        rows = {series.uid: [*opened.source.index.rows()] for series, opened in fetched}
        uids = {str(row["reference_ct"]) for some in rows.values() for row in some}
        images = images_of_series(self._images, uids)
        for series, opened in fetched:
            if all(self._is_in_its_image(series, row, images) for row in rows[series.uid]):
                sources.append((series, opened.source))
                of_series = opened.source.versions_of_documents
                if why := next((one.unread for one in of_series if one.unread), ""):
                    missing[series["PatientID"]] = why
                versions += of_series
        gone, notices = replaced_keys(versions), conflict_notices(versions, "segmentation")
        found: list[codec.LabelMetaItem] = []
        patients_there: set[str] = set()
        for series, source in sources:
            listed = source.label_maps()
            keys = {item.id: source.version_of_document(item.id).key for item in listed}
            items = [item for item in listed if keys[item.id] not in gone]
            self.series_of_label_maps |= dict.fromkeys((item.id for item in items), series)
            self.notices_of_label_maps |= {
                image_id: _both(notices.get(key, ""), _replacing(missing[series["PatientID"]]))
                for image_id, key in keys.items()
            }
            found += items
            patients_there |= {series["PatientID"]} if items else set()
        self._note_missing("LBMETA", patients_there, missing)
        return found

    def with_notice(self, label_map: codec.ImageMessage) -> codec.ImageMessage:
        """Return a label map with what is to be known of its document beside others."""
        words = self.notices_of_label_maps.get(label_map.device_name, "")
        notice = label_map.metadata.get("Notice", "")
        if words in notice:  # both documents are of one series
            return label_map
        said = {"Notice": _both(notice, words)}
        return replace(label_map, metadata={**label_map.metadata, **said})

    def _fetched(self, *modalities: str) -> list[tuple[Series, OpenedSeries]]:
        """Return the series of these modalities in studies of which an image was fetched."""
        is_waiting, found = False, []
        for series in self._listed(modalities):
            failed_at, _ = self._failed.get(series.uid, (-math.inf, ""))
            if failed_at >= self._since():
                continue
            try:
                found.append((series, self._open_series(series)))
                self._failed.pop(series.uid, None)
            except NotReadyError:  # the others are fetched at the same time
                is_waiting = True
            except SourceError as error:
                if series.uid not in self._failed:
                    _logger.warning("%s is not offered: %s", series["SeriesDescription"], error)
                self._failed[series.uid] = time.monotonic(), str(error)
        if is_waiting:
            raise NotReadyError(RETRY_SECONDS)
        return found

    def _listed(self, modalities: Collection[str]) -> list[Series]:
        """Return the series of these modalities in studies of which an image was fetched."""
        return [
            series
            for study in self._images.studies
            for series in self._lists.series_of_study(study)
            if series["Modality"] in modalities
        ]

    def _missing(self, *modalities: str) -> defaultdict[str, str]:
        """Return by the IDs of patients why a document of theirs cannot be had.

        What they have replaced need not be of their study (PredecessorDocumentsSequence).
        """
        words: defaultdict[str, str] = defaultdict(str)
        for series in self._listed(modalities):
            if series.uid in self._failed:
                _, why = self._failed[series.uid]
                words[series["PatientID"]] = why
        return words

    def _note_missing(
        self, data_type: str, patients_there: Collection[str], missing: Mapping[str, str]
    ) -> None:
        words = _notice_of_missing(patients_there, missing)
        self.notices_of_missing[data_type] = _both(words, self._images.notice)

    def _is_in_its_image(
        self, series: Series, row: Row, images: Mapping[str, Mapping[str, Stack]]
    ) -> bool:
        """Whether an image of a file's series was fetched, is of its patient, and in its frame of
        reference. ``images`` are by their series and ids; several are of one, as of a 4D one.
        """
        frame = row["reference_frame"]
        return frame != "" and any(
            stack.frames[0].get("FrameOfReferenceUID") == frame
            and is_same_patient(self._lists.series[owner], series)
            for owner, stack in images.get(str(row["reference_ct"]), {}).items()
        )


def _both(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _replacing(why: str) -> str:
    words = "a document of the patient cannot be had, which may have replaced what is there: "
    return words + why if why else ""


def _notice_of_missing(patients_there: Collection[str], missing: Mapping[str, str]) -> str:
    """Return what there is to know of patients of whom nothing is there, as it cannot be had.

    Raises ``SourceError`` if nothing is there of anybody: else this would be all.
    """
    others = {patient: why for patient, why in missing.items() if why}
    for why in () if patients_there else others.values():
        raise SourceError(_replacing(why))
    for patient in patients_there:
        others.pop(patient, None)
    words = "of another patient nothing is there, as a document cannot be had: "
    return "; ".join(dict.fromkeys(words + why for why in others.values()))
