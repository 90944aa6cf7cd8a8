"""The label maps in the segmentations and structure sets of a folder, and in which files."""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import codec
from ..dicom_index.index import DicomIndex
from . import dicom_fields
from .dicom_segmentations import LabelMap


@dataclass(frozen=True)
class FolderLabelMaps:
    """Label maps by id, and for each the id of the image that it was drawn in, or empty.

    ``files`` are those they are in; ``replaced`` are the UIDs of what others say is not valid.
    """

    by_id: dict[str, LabelMap] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)

    def items(self, index: DicomIndex) -> list[codec.LabelMetaItem]:
        """Return the structures of those that are valid."""
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
            if self.document_of(image_id, index) not in self.replaced
            for structure in label_map.structures
        ]

    def document_of(self, image_id: str, index: DicomIndex) -> str:
        """Return the SOPInstanceUID of the file that a label map is in."""
        return str(index.row(self.files[image_id]).get("instance_uid") or "")

    def metadata(self, image_id: str, index: DicomIndex) -> dict[str, str]:
        """Return what is known of the file that a label map is in, by keywords.

        Of one of several label maps of a file, without its SOPInstanceUID: who replaces a part of a
        document would take all the rest of it away.
        """
        row = index.row(self.files[image_id])
        is_part = [*self.files.values()].count(self.files[image_id]) > 1
        values = {
            keyword: str(row.get(name) or "") for name, keyword in dicom_fields.KEYWORDS.items()
        }
        values["SOPInstanceUID"] = "" if is_part else self.document_of(image_id, index)
        return {keyword: text for keyword, text in values.items() if text}
