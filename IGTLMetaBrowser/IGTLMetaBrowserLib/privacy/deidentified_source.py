"""A source without what tells whose the images are.

The profile is the Basic Application Level Confidentiality Profile of DICOM PS3.15 Annex E, applied
to all that a server sends, and nothing beside the following is let through:

==============================  ==================================================================
images                          pixels, geometry, size, scalar type, modality
names, ids of images            replaced by a number after the modality; by a pseudonym
names, ids of patients          replaced by pseudonyms: the same for the same patient
dates and times                 removed
metadata                        only the technical attributes listed below (action K); UIDs are
                                replaced (U), the same for the same; all others are removed (X)
labels, trajectories, points    ids replaced as those of images, names by numbers
refusals                        in words of this source's own
==============================  ==================================================================

Images whose pixels may show names are withheld unless they are allowed: those that say so
(Burned In Annotation YES), and those that do not say NO and are of modalities whose pixels often
do. Faces can be recognized in images of heads: that is not dealt with (the option Clean
Recognizable Visual Features is not part of this profile).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from .. import codec
from ..net.source import (
    KeepsThumbnails,
    NotReadyError,
    OffersColorTables,
    OffersImageVersions,
    OffersLabelMaps,
    OffersMetadata,
    OffersPoints,
    Source,
    SourceError,
)

_logger = logging.getLogger(__name__)

_KEPT = frozenset({
    "BurnedInAnnotation", "EchoTime", "EstimatedRadiographicMagnificationFactor",
    "ImageOrientationPatient", "ImagedNucleus", "ImagerPixelSpacing", "MagneticFieldStrength",
    "Modality", "PhotometricInterpretation", "PixelSpacing", "PixelSpacingCalibrationType",
    "Position", "RepetitionTime", "ScanningSequence", "MR_echo_time", "MR_imaged_nucleus",
    "MR_magnetic_field_strength", "MR_repetition_time", "MR_scan_sequence", "instances",
    "modality", "orientation",
})  # fmt: skip
_UIDS = frozenset({
    "FrameOfReferenceUID", "SeriesInstanceUID", "StudyInstanceUID", "instance_uid",
    "reference_frame", "series", "study",
})  # fmt: skip
# Ultrasound, endoscopy, photographs, and what was captured from a screen or scanned from paper.
_OFTEN_ANNOTATED = frozenset({"US", "IVUS", "ES", "GM", "XC", "OP", "SC", "OT", "DOC", "SR", ""})
# One less than the field: the C++ library reads a field without a NUL at its end as empty.
_ID_LENGTH = 19


class DeidentifiedSource:
    """Offers what ``source`` offers, without identities.

    With the same ``key``, which must stay secret, pseudonyms stay the same; without it nobody can
    tell from a pseudonym whose it is, not even by trying all ids. ``allow_annotated`` sends images
    whose pixels may show names, too.
    """

    def __init__(self, source: Source, key: bytes, allow_annotated: bool = False) -> None:
        self._source = source
        self._key = key
        self._allow_annotated = allow_annotated
        self._original: Sequence[codec.ImageMetaItem] | None = None
        self._listing: tuple[codec.ImageMetaItem, ...] = ()
        self._ids: dict[str, str] = {}
        self._update()

    @property
    def withheld_count(self) -> int:
        """How many images are not offered, because their pixels may show names."""
        return len(self._original or ()) - len(self._listing)

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the listing."""
        self._update()
        return self._listing

    def image(self, image_id: str) -> codec.ImageMessage:
        """Return an image. Raises ``SourceError``."""
        original = self._original_id(image_id)
        try:
            message = self._source.image(original)
        except NotReadyError:
            raise
        except Exception as error:  # whose words can have names
            raise self._unreadable(image_id, error) from None
        return replace(
            message,
            device_name=image_id,
            timestamp=codec.Timestamp(0),
            metadata=self._without_identity(message.metadata),
        )

    def image_version(self, image_id: str) -> Hashable:
        """Return the source's version; another each time if it has none. Raises ``SourceError``."""
        original = self._original_id(image_id)
        is_told = isinstance(self._source, OffersImageVersions)
        return self._source.image_version(original) if is_told else object()

    def kept_thumbnail(self, image_id: str) -> codec.ThumbnailMessage | None:
        """Return the thumbnail of an image that is offered, if the source has kept it.

        It shows less than the image does, which is withheld if it may show names. Raises
        ``SourceError``, in its own words.
        """
        original = self._original_id(image_id)
        if not isinstance(self._source, KeepsThumbnails):
            return None
        try:
            return self._source.kept_thumbnail(original)
        except NotReadyError:
            raise
        except Exception as error:
            raise self._unreadable(image_id, error) from None

    def keep_thumbnail(self, image_id: str, thumbnail: codec.ThumbnailMessage) -> None:
        """Let the source keep a thumbnail, under its own id."""
        if isinstance(self._source, KeepsThumbnails):
            self._source.keep_thumbnail(self._original_id(image_id), thumbnail)

    def metadata(self, image_id: str) -> Mapping[str, str]:
        """Return what is kept of an image's metadata. Raises ``SourceError``."""
        return self._without_identity(self._metadata_of(self._original_id(image_id)))

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the trajectories, numbered."""
        return [
            replace(item, name=f"Trajectory {number}", group="", owner=self._new_id(item.owner))
            for number, item in enumerate(self._source.trajectories(), start=1)
        ]

    def points(self) -> Sequence[codec.PointItem]:
        """Return the points, numbered."""
        items = self._source.points() if isinstance(self._source, OffersPoints) else ()
        return [
            replace(item, name=f"Point {number}", group="", owner=self._new_id(item.owner))
            for number, item in enumerate(items, start=1)
        ]

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the structures, by their labels' numbers."""
        items = self._source.label_maps() if isinstance(self._source, OffersLabelMaps) else ()
        changed = []
        for item in items:
            new_id, owner = self._new_id(item.id), self._new_id(item.owner)
            self._ids[new_id] = item.id
            changed.append(replace(item, name=f"Label {item.label}", id=new_id, owner=owner))
        return changed

    def color_table(self, image_id: str) -> codec.ColorTableMessage:
        """Return an image's color table. Raises ``SourceError``."""
        original = self._original_id(image_id)
        if not isinstance(self._source, OffersColorTables):
            raise SourceError("there are no color tables here")
        try:
            return self._source.color_table(original)
        except Exception as error:
            raise self._unreadable(image_id, error) from None

    def _update(self) -> None:
        items = self._source.images()
        if items is self._original:
            return
        # The source may not be ready to tell of an item: then the list of before stays as it is.
        ids, listing = {}, []
        for number, item in enumerate(items, start=1):
            if self._allow_annotated or not self._may_show_names(item):
                new_id = self._new_id(item.id)
                ids[new_id] = item.id
                listing.append(self._without_names(item, new_id, number))
        self._original, self._ids, self._listing = items, ids, tuple(listing)

    def _may_show_names(self, item: codec.ImageMetaItem) -> bool:
        says = self._metadata_of(item.id).get("BurnedInAnnotation", "").strip().upper()
        return says == "YES" or (says != "NO" and item.modality.upper() in _OFTEN_ANNOTATED)

    def _without_names(
        self, item: codec.ImageMetaItem, new_id: str, number: int
    ) -> codec.ImageMetaItem:
        patient = self._pseudonym("patient", f"{item.patient_id}\n{item.patient_name}")[:8]
        return replace(
            item,
            name=f"{item.modality or 'Image'} {number}",
            id=new_id,
            patient_name=f"Anonymous {patient}",
            patient_id=patient,
            scan_time=codec.Timestamp(0),
        )

    def _metadata_of(self, original_id: str) -> Mapping[str, str]:
        if not isinstance(self._source, OffersMetadata):
            return {}
        return self._source.metadata(original_id)

    def _without_identity(self, metadata: Mapping[str, str]) -> dict[str, str]:
        kept = {key: text for key, text in metadata.items() if key in _KEPT}
        return kept | {key: self._uid(text) for key, text in metadata.items() if key in _UIDS}

    def _original_id(self, image_id: str) -> str:
        if image_id not in self._ids:
            raise SourceError("no image has this id; refresh the list of images")
        return self._ids[image_id]

    def _unreadable(self, image_id: str, error: Exception) -> SourceError:
        _logger.debug("%s cannot be read: %s", image_id, error)
        return SourceError("the image cannot be read; who runs the server can find out why")

    def _new_id(self, original: str) -> str:
        return self._pseudonym("id", original)[:_ID_LENGTH] if original else ""

    def _uid(self, original: str) -> str:
        """Return a UID made of a number (PS3.5 B.2), which tells nothing of the original."""
        digest = hmac.digest(self._key, f"uid\n{original}".encode(), hashlib.sha256)
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"

    def _pseudonym(self, kind: str, original: str) -> str:
        data = f"{kind}\n{original}".encode("utf-8", "surrogateescape")
        return base64.b32encode(hmac.digest(self._key, data, hashlib.sha256)).decode("ascii")
