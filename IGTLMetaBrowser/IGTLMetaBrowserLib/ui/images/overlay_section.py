"""Points, label maps and color tables: asking for them, and saying what has come."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...browser import events
from ...codec import ImageMetaItem
from ..plurals import Plural

NOT_TOLD = 0
"""The scalar type of an image whose list does not tell it."""


class OverlaySection:
    """The buttons that ask for what belongs to images. Label maps come into the image table."""

    def __init__(self, ui, browser, images, offers, localeTexts, statusLine):
        self.ui = ui
        self._browser = browser
        self._images = images
        self._offers = offers
        self._labelMaps = Plural(
            localeTexts,
            _("{address} offers one label map; it is in the table, below the images."),
            _("{address} offers {count} label maps; they are in the table, below the images."),
            none=_("{address} offers no label maps."),
        )
        self._points = Plural(
            localeTexts,
            _("One point is shown."),
            _("{count} points are shown."),
            none=_("No points are shown."),
        )
        self._statusLine = statusLine
        self.handlers = {
            events.LabelMapsListed: self._onLabelMapsListed,
            events.PointsShown: self._onPointsShown,
            events.ColorsShown: self._onColorsShown,
        }
        ui.labelMapsButton.clicked.connect(self._onLabelMapsClicked)
        ui.pointsButton.clicked.connect(self._onPointsClicked)

    def update(self):
        """Enable what can be done now."""
        self._offers.show(self.ui.labelMapsButton, "LBMETA")
        self._offers.show(self.ui.pointsButton, "POINT")

    def _onLabelMapsClicked(self, _checked=False):
        self._statusLine.forgetResult()
        self._statusLine.show(_("Getting label maps from {address} …"))
        self._offers.onAsked("LBMETA", self._browser.overlays.request_label_maps())

    def _onPointsClicked(self, _checked=False):
        self._statusLine.forgetResult()
        self._statusLine.show(_("Getting points from {address} …"))
        self._offers.onAsked("POINT", self._browser.overlays.request_points())

    def _onLabelMapsListed(self, event):
        if event.is_unsolicited:
            self._images.showListSoon()
        else:
            self._images.showList()
        notices = [event.notice] if event.notice else []
        self._statusLine.showResult(self._labelMaps(event.count), notices)

    def _onPointsShown(self, event):
        text = self._points(sum(node.GetNumberOfControlPoints() for node in event.nodes))
        if event.problems:
            text += " " + _("Not shown: {problems}.")
        self._statusLine.showResult(text, problems="; ".join(event.problems))

    def _onColorsShown(self, event):
        node = self._browser.images.node(event.image_id)
        if node is None:  # an observer before this one has removed it
            return
        self._statusLine.showResult(
            _("'{name}' is shown with the server's color table."), name=node.GetName()
        )


def labelMapEntries(labelMaps, listing):
    """Return what the table of images says of label maps; ``listing`` names their images.

    A label map is of the patient of its image.
    """
    modality, nameAndOwner = _("labels"), _("{name}, of {owner}")
    owners = {labelMap.owner: listing.entry(labelMap.owner) for labelMap in labelMaps}
    nobody = ImageMetaItem()
    return [
        ImageMetaItem(
            name=_nameAndOwner(labelMap, owners[labelMap.owner], nameAndOwner),
            id=labelMap.id,
            modality=modality,
            patient_name=(owners[labelMap.owner] or nobody).patient_name,
            patient_id=(owners[labelMap.owner] or nobody).patient_id,
            size=labelMap.structures[0].size,
            scalar_type=NOT_TOLD,
        )
        for labelMap in labelMaps
    ]


def _nameAndOwner(labelMap, owner, text):
    if not labelMap.owner:
        return labelMap.name
    # A list that was searched need not have the image any more, and some have no name.
    ownerName = labelMap.owner if owner is None else owner.name or labelMap.owner
    return text.format(name=labelMap.name, owner=ownerName)
