"""The label maps in the segmentations and structure sets of a folder, and in which files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .... import codec
from ....dicom_index.rows import ImageFile
from ....net.source import SourceError
from .. import fields as dicom_fields
from ..file_fields import FileFields
from ..files import IndexedFile
from ..offers import FolderOffers
from ..pixels.decoding import Decoders
from ..replaced_documents import (
    DocumentVersion,
    conflict_notices,
    notice_of_unread,
    replaced_keys,
    unread_version,
    version_in,
)
from ..volumes.places import check_patient
from ..volumes.stacks import Stack
from .label_map import LabelMap
from .label_notices import beside_notices
from .segmentations import read_segmentation
from .structure_sets import read_structures

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FolderLabelMaps:
    """Label maps by id, and for each the id of the image that it was drawn in, or empty.

    ``images`` are those images, as far as they are known; ``files`` are those that the label maps
    are in; ``versions`` are what segmentations say of those that they have replaced, and of other
    files that they could not be read.
    """

    by_id: dict[str, LabelMap] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    images: dict[str, Stack] = field(default_factory=dict)
    files: dict[str, IndexedFile] = field(default_factory=dict)
    versions: dict[IndexedFile, DocumentVersion] = field(default_factory=dict)

    def items(self) -> list[codec.LabelMetaItem]:
        """Return the structures of those that are valid."""
        gone = replaced_keys(self.versions.values())
        return [
            codec.LabelMetaItem(
                name=dicom_fields.cut_name(structure.name),
                id=image_id,
                label=structure.label,
                rgba=structure.rgba,
                size=label_map.size,
                owner=self.owners[image_id],
            )
            for image_id, label_map in self.by_id.items()
            if self.version_of(image_id).key not in gone
            for structure in label_map.structures
        ]

    def read(
        self, image_id: str, folder: Path, decoders: Decoders | None
    ) -> tuple[np.ndarray, Sequence[str]]:
        """Return the labels of a label map, and what there is to know of them.

        ``decoders`` decode what is compressed. Raises ``SourceError``.
        """
        label_map, notices = self.by_id[image_id], []
        labels, of_file = label_map.read(folder, decoders)
        if image_id in self.images:
            notices = beside_notices(labels, label_map.ijk_to_ras, self.images[image_id])
        return labels, [*of_file, *notices]

    def version_of(self, image_id: str) -> DocumentVersion:
        """Return what the file that a label map is in says of those that it has replaced."""
        return self.versions.get(self.files[image_id], DocumentVersion())

    def conflict_of(self, image_id: str) -> str:
        """Return what is to be known of a label map that is valid beside another, if anything."""
        versions = self.versions.values()
        own = conflict_notices(versions, "segmentation").get(self.version_of(image_id).key, "")
        return "; ".join(filter(None, (own, notice_of_unread(versions))))

    def metadata(self, image_id: str, fields: FileFields) -> dict[str, str]:
        """Return what is known of the file that a label map is in, by keywords.

        One of several label maps of a file has no SOPInstanceUID: who replaces a part of a document
        would take all the rest of it away. Of a segmentation it has a reference to the document and
        to its own segments (PS3.3 10.3 and C.8.20.2).
        """
        row, label_map = fields.of(self.files[image_id].name), self.by_id[image_id]
        is_part = [*self.files.values()].count(self.files[image_id]) > 1
        values = {
            keyword: str(row.get(name) or "") for name, keyword in dicom_fields.KEYWORDS.items()
        }
        document = str(row.get("instance_uid") or "")
        values["SOPInstanceUID"] = "" if is_part else document
        if is_part and label_map.segments:
            values["ReferencedSOPInstanceUID"] = document
            values["ReferencedSegmentNumber"] = "\\".join(map(str, label_map.segments))
        return {keyword: text for keyword, text in values.items() if text}


class LabelMapReader:
    """Reads the label maps of the files that ``offers`` has no images of.

    They may belong to images of the folder, or to those of other sources, which are ``elsewhere``.
    ``known`` is what was read of files that may be the same, and becomes what is known of these.
    """

    def __init__(
        self,
        folder: Path,
        offers: FolderOffers,
        elsewhere: Mapping[str, Stack],
        known: dict[Hashable, Any],
    ) -> None:
        self._folder = folder
        self._offers = offers
        self._elsewhere = elsewhere
        self._known = known
        self._used: set[Hashable] = set()

    def read(self) -> FolderLabelMaps:
        """Return the label maps; what cannot be read is added to ``offers.refused``."""
        found = FolderLabelMaps()
        for file in self._offers.segmentations:
            document = IndexedFile(file.name, file.version)
            found.versions[document] = self._version(document)
            self._add(found, document, partial(self._segmentations, file))
        for document in self._offers.structure_sets:
            self._add(found, document, partial(self._structures, document))
        for key in self._known.keys() - self._used:
            del self._known[key]
        return found

    def _once(self, key: Hashable, read: Callable[[], Any]) -> Any:
        """Return what ``read`` returns, or has returned before."""
        if key not in self._known:
            self._known[key] = read()
        self._used.add(key)
        return self._known[key]

    def _version(self, document: IndexedFile) -> DocumentVersion:
        version = self._once(document, lambda: version_in(self._folder / document.name))
        if version.may_be_read_later:
            self._used.discard(document)
        return version

    def _add(
        self, found: FolderLabelMaps, file: IndexedFile, read: Callable[[], Sequence[LabelMap]]
    ) -> None:
        name = file.name
        owner = self._owner_of(name)
        is_known = owner in self._elsewhere or self._is_in_space_of(name, owner)
        image = self._image(owner) if is_known else None
        try:
            label_maps = read()
            self._check_ids(found, label_maps)
            for label_map in label_maps:
                found.by_id[label_map.id] = label_map
                found.owners[label_map.id] = owner if is_known else ""
                found.files[label_map.id] = file
                if image is not None:
                    found.images[label_map.id] = image
        except (SourceError, ArithmeticError, AttributeError, TypeError, ValueError) as error:
            _logger.warning("%s is not offered: %s", name, error)
            self._offers.refused.append((name, str(error)))
            if isinstance(cause := error.__cause__, (OSError, MemoryError)):  # it is not broken
                found.versions[file] = unread_version(self._folder / name, cause)

    def _check_ids(self, found: FolderLabelMaps, label_maps: Sequence[LabelMap]) -> None:
        """Raise ``ValueError`` if what is asked for by an id would not be what was listed."""
        for label_map in label_maps:
            if label_map.id in found.by_id:
                raise ValueError(f"{found.files[label_map.id].name!r} has its SOPInstanceUID, too")
            if label_map.id in self._offers.images:
                raise ValueError("its SOPInstanceUID is that of an image")

    def _segmentations(self, file: ImageFile) -> Sequence[LabelMap]:
        if (image := self._image(self._owner_of(file.name))) is not None:
            patient = map(file.header.get, ("PatientID", "PatientName", "IssuerOfPatientID"))
            check_patient(image.frames[0], *patient)
        return self._once((file.name, file.version, "labels"), lambda: read_segmentation(file))

    def _structures(self, file: IndexedFile) -> Sequence[LabelMap]:
        owner = self._owner_of(file.name)
        stack = self._image(owner)
        if stack is None:
            raise ValueError(
                "structures of an image that is not in the folder, or not offered as one volume"
            )
        if owner not in self._elsewhere and not self._is_in_space_of(file.name, owner):
            raise ValueError("structures in another frame of reference than their image's")
        return self._once((file, stack), lambda: read_structures(self._folder, file, stack))

    def _image(self, owner: str) -> Stack | None:
        if owner in self._offers.images:
            return self._offers.images[owner].stack
        return self._elsewhere.get(owner)

    def _is_in_space_of(self, name: str, owner: str) -> bool:
        """Whether an image is in the folder, and nothing says that its coordinates are others."""
        if owner not in self._offers.images:
            return False
        frame = self._offers.images[owner].stack.frames[0].get("FrameOfReferenceUID")
        own = str(self._offers.fields.of(name)["reference_frame"])
        return not (frame and own) or frame == own

    def _owner_of(self, name: str) -> str:
        """Return the id of the image that a file's structures belong to."""
        row = self._offers.fields.of(name)
        series = row["reference_ct_series"] or row["reference_ct"]
        return dicom_fields.image_id(str(series))
