"""Label maps and segmentations stored in the archive that is browsed, as DICOM Segmentations."""

from __future__ import annotations

from functools import partial

from slicer.i18n import tr as _

from ...codec import printable
from ...metadata.modules import GENERAL_SERIES, OTHER, PREDECESSOR
from ...scene.label_maps.label_map_set import OWNER_ATTRIBUTE
from ...scene.label_maps.outgoing_labels import image_labels, image_of
from ...scene.server_nodes.attributes import IMAGE_ID_ATTRIBUTE, SERVER_ATTRIBUTE, read_id
from ...sources.dicom.label_maps.label_map import Structure
from ...sources.documents.label_file import LabelMapToStore, write_label_file
from .document import DocumentToStore

_MODALITY = "SEG"
# How a label map says of which segment of which document it is (PS3.3 10.3).
_REFERENCE = ("ReferencedSOPInstanceUID", "ReferencedSegmentNumber")


class LabelStore:
    """Makes documents of label maps and segmentations for ``store``, an ``ArchiveStore``.

    What came from a segmentation in the archive takes the place of that; one of several label maps
    of a segmentation, the place of its segment.
    """

    def __init__(self, browser, store):
        self._browser = browser
        self._store = store
        # By the ids of nodes: of which document and segments a node was, and of which it is now.
        self._stored = {}
        self._texts = _texts()

    def store(self, node):
        """Store a segmentation or label map, if the user agrees."""
        self._store.store(lambda: self._document(node))

    def _document(self, node):
        imageId = image_of(node, self._store.loadedImages(), self._store.imageInViews())
        image = self._store.image(imageId)
        found, origin = image_labels(node, image), self._origin(node)
        replaced, segments = self._replacedBy(node, origin)
        structures = [Structure(*one) for one in found.structures]
        labels = LabelMapToStore(found.pixels, found.ijk_to_ras, structures)
        return DocumentToStore(
            "labels.npz",
            partial(_write, labels),
            self._store.seriesOf(imageId),
            replaced,
            self._question(node, image, found, replaced, segments),
            _("Structures: {count} {{words}}.").format(count=len(structures)),
            segments,
            partial(self._onStored, node.GetID(), origin),
        )

    def _onStored(self, nodeId, origin, *stored):
        if any(origin):  # what was drawn here is a new segmentation each time
            self._stored[nodeId] = origin, stored

    def _replacedBy(self, node, origin):
        """Return what a node takes the place of: where it came from, or what was stored of it."""
        before, stored = self._stored.get(node.GetID(), (origin, origin))
        return stored if before == origin else origin

    def _question(self, node, image, found, replaced, segments):
        text = self._texts["new"]
        if replaced:
            text = self._texts["segment" if segments else "replacing"]
        names = {"name": node.GetName(), "archive": self._store.archiveText}
        sentences = [text.format(image=image.GetName(), **names)]
        said = {"empty": found.without_voxels, "cut": found.cut}
        if replaced:
            stored = {name for name, _label, _rgba in found.structures}
            known = {*stored, *found.without_voxels}
            said["gone"] = [name for name in self._namesOf(node) if name not in known]
        for key, namesOfSegments in said.items():
            if namesOfSegments:
                quoted = ", ".join(f"'{name}'" for name in namesOfSegments)
                sentences.append(self._texts[key].format(names=quoted))
        return " ".join(sentences)

    def _namesOf(self, node):
        """Return the names of the structures that a node from the archive had there."""
        image_id = read_id(node.GetAttribute(IMAGE_ID_ATTRIBUTE))
        label_map = self._browser.overlays.label_maps.label_map(image_id)
        return [printable(structure.name) for structure in label_map.structures]

    def _origin(self, node):
        """Return the UID of the segmentation in the archive that a node came from, or nothing.

        And the number of its segment, if the node is one of several label maps of it.
        """
        isFromHere = node.GetAttribute(SERVER_ATTRIBUTE) == self._browser.connection.address
        imageId = read_id(node.GetAttribute(IMAGE_ID_ATTRIBUTE))
        if not (isFromHere and imageId and node.GetAttribute(OWNER_ATTRIBUTE)):
            return "", ""
        registry = self._browser.metadata.registry
        # Label maps are made of structure sets, too, which a segmentation does not replace.
        if getattr(registry.get(GENERAL_SERIES, imageId), "Modality", "") != _MODALITY:
            return "", ""
        other = registry.get(OTHER, imageId) or {}
        document, segment = (other.get(keyword, "") for keyword in _REFERENCE)
        if document and segment.isdecimal():
            return document, segment
        return getattr(registry.get(PREDECESSOR, imageId), "SOPInstanceUID", ""), ""


def _texts():
    return {
        "new": _("Store '{name}' in {archive}, as a new segmentation of '{image}'?"),
        "replacing": _(
            "Store '{name}' in {archive}, in place of the segmentation of '{image}' that it came "
            "from?"
        ),
        "segment": _(
            "Store '{name}' in {archive}, in place of the segment that it came from? The other "
            "segments of that segmentation of '{image}' stay as they are."
        ),
        "empty": _("Left out, as they have no voxels in the image: {names}."),
        "cut": _("Cut off where the image ends: {names}."),
        "gone": _("No longer in it: {names}."),
    }


def _write(labels, path):
    write_label_file(path, labels)
