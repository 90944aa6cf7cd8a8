"""Label maps and segmentations stored in the archive that is browsed, as DICOM Segmentations."""

from __future__ import annotations

from functools import partial

from slicer.i18n import tr as _

from ..metadata.modules import GENERAL_SERIES, PREDECESSOR
from ..scene.label_map_set import OWNER_ATTRIBUTE
from ..scene.outgoing_labels import image_labels, image_of
from ..scene.server_nodes import IMAGE_ID_ATTRIBUTE, SERVER_ATTRIBUTE
from ..sources.dicom_segmentations import Structure
from ..sources.label_file import Labels, write_labels
from .archive_document import Document

_MODALITY = "SEG"


class LabelStore:
    """Makes documents of label maps and segmentations for ``store``, an ``ArchiveStore``.

    What came from a segmentation in the archive takes the place of that.
    """

    def __init__(self, browser, store):
        self._browser = browser
        self._store = store

    def store(self, node):
        """Store a segmentation or label map, if the user agrees."""
        self._store.store(lambda: self._document(node))

    def _document(self, node):
        imageId = image_of(node, self._store.loadedImages(), self._store.imageInViews())
        image = self._store.image(imageId)
        found, replaced = image_labels(node, image), self._replacedBy(node)
        structures = [Structure(*one) for one in found.structures]
        labels = Labels(found.pixels, found.ijk_to_ras, structures)
        text = _("Store {name} in {archive}, as a new segmentation of {image}?")
        if replaced:
            text = _(
                "Store {name} in {archive}, in place of the segmentation of {image} that it came "
                "from?"
            )
        names = {"name": node.GetName(), "archive": self._store.archiveText}
        return Document(
            "labels.npz",
            partial(_write, labels),
            self._store.seriesOf(imageId),
            replaced,
            text.format(image=image.GetName(), **names),
            _("Structures: {count} {{words}}.").format(count=len(structures)),
        )

    def _replacedBy(self, node):
        """Return the UID of the segmentation in the archive that a node came from, or nothing."""
        isFromHere = node.GetAttribute(SERVER_ATTRIBUTE) == self._browser.connection.address
        imageId = node.GetAttribute(IMAGE_ID_ATTRIBUTE)
        if not (isFromHere and imageId and node.GetAttribute(OWNER_ATTRIBUTE)):
            return ""
        registry = self._browser.metadata.registry
        series = registry.get(GENERAL_SERIES, imageId)
        document = registry.get(PREDECESSOR, imageId)
        # Label maps are made of structure sets, too, which a segmentation does not replace.
        isSegmentation = getattr(series, "Modality", "") == _MODALITY
        return getattr(document, "SOPInstanceUID", "") if isSegmentation else ""


def _write(labels, path):
    write_labels(path, labels)
