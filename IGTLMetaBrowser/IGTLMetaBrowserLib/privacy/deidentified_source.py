"""A source without what tells whose the images are.

The profile is the Basic Application Level Confidentiality Profile of DICOM PS3.15 Annex E, applied
to all that a server sends, and nothing beside the following is let through:

==============================  ==================================================================
images                          pixels, geometry, size, scalar type, modality
names, ids of images            replaced by a number after the modality; by a pseudonym
names, ids of patients          replaced by pseudonyms: the same for the same patient; images have
                                the ID, too, by which another patient's under an id of before is
                                noticed
dates and times                 removed
metadata                        only the technical attributes listed below (action K), if their
                                values are numbers or defined terms; UIDs are
                                replaced (U), the same for the same; all others are removed (X);
                                of notices, the sentences in words of our own (``kept_texts``)
sequences (4D)                  what they are ordered by, numbers in units; texts are numbered
search                          by the modality only: to find a name is to learn it
thumbnails                      those of the images that are offered
changed images (STT_IMAGE)      as the images; what clients send is not accepted
labels, trajectories, points    ids replaced as those of images, names by numbers
documents of trajectories       UIDs replaced, as above
refusals; notices of lists,     in words of this source's own
of documents
==============================  ==================================================================

Images whose pixels may show names are withheld unless they are allowed, see ``annotated_pixels``:
those that say so (Burned In Annotation YES), and those that do not say NO and are of modalities
whose pixels often do, captures of a screen, or in colors. Faces can be recognized in images of
heads: that is not dealt with (the option Clean Recognizable Visual Features is not part of this
profile).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import math
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import codec
from ..codec.header import MADE_ID_SIZE
from ..net.client.listed_images import is_id_of_another_patient
from ..net.list_metadata.image_sequences import ImageSequence, OffersSequences
from ..net.server.arriving_images import ArrivingImage, OffersArrivingImages
from ..net.source import (
    AsksElsewhere,
    KeepsThumbnails,
    NotReadyError,
    OffersColorTables,
    OffersDocuments,
    OffersImageVersions,
    OffersLabelMaps,
    OffersMetadata,
    OffersPoints,
    OffersSearch,
    OffersStreams,
    Source,
    SourceError,
    TellsOfMissing,
)
from ..turns import InTurns, at_once
from .annotated_pixels import may_show_names
from .kept_texts import is_modality, is_technical, kept_mark, kept_notices, kept_values

_logger = logging.getLogger(__name__)

_Item = codec.ImageMetaItem | codec.LabelMetaItem

_KEPT = frozenset({
    "BurnedInAnnotation", "EchoTime", "EstimatedRadiographicMagnificationFactor",
    "ImageOrientationPatient", "ImagedNucleus", "ImagerPixelSpacing", "MagneticFieldStrength",
    "Modality", "PhotometricInterpretation", "PixelSpacing", "PixelSpacingCalibrationType",
    "RepetitionTime", "ScanningSequence", "MR_echo_time", "MR_imaged_nucleus",
    "MR_magnetic_field_strength", "MR_repetition_time", "MR_scan_sequence", "modality",
    "orientation",
})  # fmt: skip
# Not of the file, but found out by our own sources, in their words.
_OUR_OWN = frozenset({
    "Position", "instances", "SequenceIndexName", "SequenceIndexUnit", "SequenceLength",
    "SequenceNumber",
})  # fmt: skip
_UIDS = frozenset({
    "FrameOfReferenceUID", "SeriesInstanceUID", "StudyInstanceUID", "instance_uid",
    "reference_frame", "series", "study",
})  # fmt: skip
_TAG_LENGTH = 31
_SEARCH_KEYWORDS = frozenset({"Modality"})
_MORE = "there are more images than this list has"
_MISSING = (
    "documents cannot be read, which may have replaced what is here, or have more; who runs the "
    "server can find out why"
)
_OF_DOCUMENT = (
    "there is more to know of this document, perhaps that another one is valid beside it; who runs "
    "the server can find out what"
)


class DeidentifiedSource:
    """Offers what ``source`` offers, without identities.

    With the same ``key``, which must stay secret, pseudonyms stay the same; without it nobody can
    tell from a pseudonym whose it is, not even by trying all ids. ``allow_annotated`` sends images
    whose pixels may show names, too. ``seconds_a_turn``, for a server that must not keep others
    waiting, is after how many ``images`` asks for another turn.
    """

    def __init__(
        self,
        source: Source,
        key: bytes,
        allow_annotated: bool = False,
        seconds_a_turn: float = math.inf,
    ) -> None:
        self._source = source
        self._key = key
        self._allow_annotated = allow_annotated
        self._original: Sequence[codec.ImageMetaItem] | None = None
        self._listing: tuple[codec.ImageMetaItem, ...] = ()
        self._begun: Iterator[None] | None = None
        # By the new ids, what the source lists; others are label maps, and images that were found.
        self._items: dict[str, _Item] = {}
        self._other_items: dict[str, _Item] = {}
        # Only a source that has these offers what they stand for.
        if isinstance(source, OffersStreams):
            self.seconds_between_images = source.seconds_between_images
        if isinstance(source, OffersSearch):
            self.search_keywords = _SEARCH_KEYWORDS.intersection(source.search_keywords)
        self._update(math.inf)
        # Lists that somebody else has may have to be newer than one that is begun.
        is_elsewhere = isinstance(source, AsksElsewhere)
        self._seconds_a_turn = math.inf if is_elsewhere else seconds_a_turn

    @property
    def withheld_count(self) -> int:
        """How many images are not offered, because their pixels may show names."""
        return len(self._original or ()) - len(self._listing)

    def require_lists_since(self, since: float, image_id: str = "") -> None:
        """Have the source use no older lists, if it asks for them elsewhere."""
        if isinstance(self._source, AsksElsewhere):
            known = self._items.get(image_id) or self._other_items.get(image_id)
            original = "" if known is None else known.id
            self._asked(self._source.require_lists_since, since, original)

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the listing. Raises ``SourceError``, ``NotReadyError`` if a turn is needed."""
        self._update(self._seconds_a_turn)
        return self._listing

    def image(self, image_id: str) -> codec.ImageMessage:
        """Return an image. Raises ``SourceError``."""
        message = self._asked(self._source.image, self._original_id(image_id))
        return self._without_names_in(message, image_id)

    def _without_names_in(self, message: codec.ImageMessage, image_id: str) -> codec.ImageMessage:
        """Return an image without identity. Raises ``SourceError`` if it shows names itself.

        Of an image in an archive that is not known before it is fetched. Nor is it sent if the
        source has another patient's by now.
        """
        item = self._item(image_id)
        _require_patient_of(item, message.metadata)
        modality = message.metadata.get("Modality")
        if not self._allow_annotated and may_show_names(modality, message.metadata):
            raise SourceError("this image is withheld: names may be in its pixels")
        return replace(
            message,
            device_name=image_id,
            timestamp=codec.Timestamp(0),
            metadata=self._described(item, message.metadata),
        )

    def image_version(self, image_id: str) -> Hashable:
        """Return the source's version; another each time if it has none. Raises ``SourceError``."""
        original = self._original_id(image_id)
        is_told = isinstance(self._source, OffersImageVersions)
        return self._asked(self._source.image_version, original) if is_told else object()

    def kept_thumbnail(self, image_id: str) -> codec.ThumbnailMessage | None:
        """Return the thumbnail of an image that is offered, if the source has kept it.

        It shows less than the image does, which is withheld if it may show names. Raises
        ``SourceError``, in its own words.
        """
        item = self._item(image_id)
        if not isinstance(self._source, KeepsThumbnails):
            return None
        _require_patient_of(item, self._metadata_of(item.id))
        return self._asked(self._source.kept_thumbnail, item.id)

    def keep_thumbnail(self, image_id: str, thumbnail: codec.ThumbnailMessage) -> None:
        """Let the source keep a thumbnail, under its own id."""
        if isinstance(self._source, KeepsThumbnails):
            self._asked(self._source.keep_thumbnail, self._original_id(image_id), thumbnail)

    def arriving_image(self, request: codec.GetImagePartMessage) -> ArrivingImage | None:
        """Return what has come of an image that the source is reading. Raises ``SourceError``."""
        if not isinstance(self._source, OffersArrivingImages):
            return None
        image_id = request.device_name
        asked = replace(request, device_name=self._original_id(image_id))
        found = self._asked(self._source.arriving_image, asked)
        if found is None:
            return None
        message = self._without_names_in(found.message, image_id)
        return ArrivingImage(message, self._tag(found.tag))

    def image_tag(self, image_id: str, message: codec.ImageMessage) -> str:
        """Return a tag that tells nothing of the source's. Raises ``SourceError``."""
        if not isinstance(self._source, OffersArrivingImages):
            return ""
        return self._tag(self._asked(self._source.image_tag, self._original_id(image_id), message))

    def _tag(self, original: str) -> str:
        return self._pseudonym("tag", original)[:_TAG_LENGTH] if original else ""

    def metadata(self, image_id: str) -> Mapping[str, str]:
        """Return what is kept of an image's metadata. Raises ``SourceError``."""
        item = self._item(image_id)
        return self._described(item, self._metadata_of(item.id))

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the trajectories, numbered. Raises ``SourceError``."""
        return [
            replace(item, name=f"Trajectory {number}", group="", owner=self._new_id(item.owner))
            for number, item in enumerate(self._asked(self._source.trajectories), start=1)
        ]

    def documents_of_trajectories(self) -> Sequence[str]:
        """Return a UID for the document of each trajectory. Raises ``SourceError``."""
        is_told = isinstance(self._source, OffersDocuments)
        uids = self._asked(self._source.documents_of_trajectories) if is_told else ()
        return [self._uid(uid) if uid else "" for uid in uids]

    def notices_of_documents(self) -> Mapping[str, str]:
        """Return of which documents there is more to know. Raises ``SourceError``."""
        is_told = isinstance(self._source, OffersDocuments)
        notices = self._asked(self._source.notices_of_documents) if is_told else {}
        return {self._uid(uid): _OF_DOCUMENT for uid, words in notices.items() if words}

    def notice_of_missing(self, data_type: str) -> str:
        """Return that documents are missing, if some are. Raises ``SourceError``."""
        is_told = isinstance(self._source, TellsOfMissing)
        words = self._asked(self._source.notice_of_missing, data_type) if is_told else ""
        return _MISSING if words else ""

    def points(self) -> Sequence[codec.PointItem]:
        """Return the points, numbered. Raises ``SourceError``."""
        is_told = isinstance(self._source, OffersPoints)
        items = self._asked(self._source.points) if is_told else ()
        return [
            replace(item, name=f"Point {number}", group="", owner=self._new_id(item.owner))
            for number, item in enumerate(items, start=1)
        ]

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the structures, by their labels' numbers. Raises ``SourceError``."""
        is_told = isinstance(self._source, OffersLabelMaps)
        changed = []
        for item in self._asked(self._source.label_maps) if is_told else ():
            new_id, owner = self._new_id(item.id), self._new_id(item.owner)
            self._other_items[new_id] = item
            changed.append(replace(item, name=f"Label {item.label}", id=new_id, owner=owner))
        return changed

    def sequences(self) -> Sequence[ImageSequence]:
        """Return the sequences of which all images are offered. Raises ``SourceError``."""
        is_told = isinstance(self._source, OffersSequences)
        found = self._asked(self._source.sequences) if is_told else ()
        changed = (
            ImageSequence(
                tuple(map(self._new_id, ids)),
                name if unit else "volume",
                unit,
                kept_values(unit, values),
            )
            for ids, name, unit, values in found
        )
        return [one for one in changed if self._items.keys() >= {*one.ids}]

    def search(self, attributes: Mapping[str, str]) -> tuple[Sequence[codec.ImageMetaItem], str]:
        """Return the images with these attributes. Raises ``SourceError``.

        By others than ``search_keywords`` nothing is found, not even that there is something.
        """
        if not isinstance(self._source, OffersSearch) or not attributes.keys() <= _SEARCH_KEYWORDS:
            raise SourceError("images can be searched by Modality only")
        items, notice = self._asked(self._source.search, attributes)
        found, listing = at_once(self._without_identities(items))
        self._items |= {key: item for key, item in found.items() if key in self._items}
        self._other_items |= found
        return listing, _MORE if notice else ""

    def color_table(self, image_id: str) -> codec.ColorTableMessage:
        """Return an image's color table. Raises ``SourceError``."""
        original = self._original_id(image_id)
        if not isinstance(self._source, OffersColorTables):
            raise SourceError("there are no color tables here")
        return self._asked(self._source.color_table, original)

    def _update(self, seconds: float) -> None:
        """Go on with the list for so long. One that is begun is done before a newer one."""
        begun, self._begun = self._begun or self._renew(self._asked(self._source.images)), None
        end = time.monotonic() + seconds
        for _ in begun:
            if time.monotonic() >= end:
                self._begun = begun
                raise NotReadyError

    def _renew(self, items: Sequence[codec.ImageMetaItem]) -> Iterator[None]:
        if items is not self._original:
            # The source may not be ready to tell of an item: then the list of before stays.
            by_id, listing = yield from self._without_identities(items)
            self._original, self._items, self._listing = items, by_id, listing

    def _without_identities(
        self, items: Sequence[codec.ImageMetaItem]
    ) -> InTurns[tuple[dict[str, _Item], tuple[codec.ImageMetaItem, ...]]]:
        """Return the original items by the new ids, and the list of what is not withheld."""
        by_id: dict[str, _Item] = {}
        listing = []
        for number, item in enumerate(items, start=1):
            if self._allow_annotated or not self._may_show_names(item):
                new_id = self._new_id(item.id)
                by_id[new_id] = item
                listing.append(self._without_names(item, new_id, number))
            yield
        return by_id, tuple(listing)

    def _may_show_names(self, item: codec.ImageMetaItem) -> bool:
        return may_show_names(_modality(item), self._metadata_of(item.id))

    def _without_names(
        self, item: codec.ImageMetaItem, new_id: str, number: int
    ) -> codec.ImageMetaItem:
        patient = self._patient(item)
        modality = _modality(item)
        return replace(
            item,
            name=f"{modality or 'Image'} {number}{kept_mark(item.name)}",
            id=new_id,
            modality=modality,
            patient_name=f"Anonymous {patient}",
            patient_id=patient,
            scan_time=codec.Timestamp(0),
        )

    def _patient(self, item: codec.ImageMetaItem) -> str:
        return self._pseudonym("patient", f"{item.patient_id}\n{item.patient_name}")[:8]

    def _metadata_of(self, original_id: str) -> Mapping[str, str]:
        if not isinstance(self._source, OffersMetadata):
            return {}
        return self._asked(self._source.metadata, original_id)

    def _described(self, item: _Item, metadata: Mapping[str, str]) -> dict[str, str]:
        """Return what is kept of an image's metadata, and what the list has: the pseudonym, too."""
        described = self._without_identity(metadata)
        if isinstance(item, codec.ImageMetaItem):
            listed = {"PatientID": self._patient(item), "Modality": _modality(item)}
            described |= {key: text for key, text in listed.items() if text}
        return described

    def _without_identity(self, metadata: Mapping[str, str]) -> dict[str, str]:
        kept = {
            key: text
            for key, text in metadata.items()
            if key in _OUR_OWN or (key in _KEPT and is_technical(text))
        }
        kept |= {key: self._uid(text) for key, text in metadata.items() if key in _UIDS}
        if notices := kept_notices(metadata.get("Notice", "")):
            kept["Notice"] = notices
        if "Sequence" in metadata:
            kept["Sequence"] = self._new_id(metadata["Sequence"])
            value = metadata.get("SequenceIndexValue", "")
            has_unit = bool(metadata.get("SequenceIndexUnit"))
            kept["SequenceIndexValue"] = value if has_unit else kept.get("SequenceNumber", "")
        return kept

    def _original_id(self, image_id: str) -> str:
        return self._item(image_id).id

    def _item(self, image_id: str) -> _Item:
        for items in (self._items, self._other_items):
            if image_id in items:
                return items[image_id]
        raise SourceError("no image has this id; refresh the list of images")

    def _asked(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the source answers. Raises ``SourceError``, in words that have no names.

        Every call of a method of the source goes through here.
        """
        try:
            return ask(*arguments)
        except NotReadyError:
            raise
        except Exception as error:  # whose words can have names, of patients and of their files
            _logger.debug("the source has failed: %s", error)
            raise SourceError("this cannot be read; who runs the server can find out why") from None

    def _new_id(self, original: str) -> str:
        return self._pseudonym("id", original)[:MADE_ID_SIZE] if original else ""

    def _uid(self, original: str) -> str:
        """Return a UID made of a number (PS3.5 B.2), which tells nothing of the original."""
        digest = hmac.digest(self._key, f"uid\n{original}".encode(), hashlib.sha256)
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"

    def _pseudonym(self, kind: str, original: str) -> str:
        data = f"{kind}\n{original}".encode("utf-8", "surrogateescape")
        return base64.b32encode(hmac.digest(self._key, data, hashlib.sha256)).decode("ascii")


def _require_patient_of(item: _Item, metadata: Mapping[str, str]) -> None:
    """Raise ``SourceError`` if metadata are of another patient: it goes on with newer lists."""
    if is_id_of_another_patient(metadata.get("PatientID", ""), item):
        raise SourceError("the list of images has changed; refresh it")


def _modality(item: codec.ImageMetaItem) -> str:
    """Return the modality; empty for a text that is none."""
    return item.modality.strip() if is_modality(item.modality) else ""
