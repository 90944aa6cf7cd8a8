"""What the panel says of what happens. ``{address}`` is the server's."""

from __future__ import annotations

from slicer.i18n import tr as _

from .plurals import Plural


class PanelMessages:
    """They are translated once: ``_()`` costs 9 µs a call in Slicer."""

    def __init__(self, localeTexts):
        def plural(*texts, **others):
            return Plural(localeTexts, *texts, **others)

        self.notConnected = _("Not connected.")
        self.connecting = _("Connecting to {address} …")
        self.connected = _("Connected to {address}. Getting the list of images …")
        self.reconnected = _("Connected again.")
        self.deferred = _("{address} cannot be reached. When it can, {name} will be requested.")
        self.deferredNames = {
            "IMGMETA": _("the list of images"),
            "LBMETA": _("the list of label maps"),
            "TRAJ": _("the trajectories"),
            "POINT": _("the points"),
            "COLORT": _("the color table"),
        }
        self.listUnanswered = _("{address} offers no list of images: {error}.")
        self.readingList = _("Getting the list of images from {address} …")
        self.askingTrajectories = _("Getting trajectories from {address} …")
        self._addImageTexts(plural)
        self.trajectoriesShown = plural(
            _("One trajectory is shown."),
            _("{count} trajectories are shown."),
            none=_("No trajectories are shown."),
        )
        self.notShown = _("Not shown: {problems}.")
        self.trajectoriesSent = plural(
            _("One trajectory was sent to {address}."),
            _("{count} trajectories were sent to {address}."),
        )

    def _addImageTexts(self, plural):
        self.listed = plural(
            _("{address} offers one image"),
            _("{address} offers {count} images"),
            none=_("{address} offers no images"),
        )
        self.found = plural(
            _("{address} has found one image"),
            _("{address} has found {count} images"),
            none=_("{address} has found no images; search for something else"),
        )
        self.thereAreMore = _("; there are more")
        self.listChanges = _(": {added} new, {withdrawn} removed")
        self.loading = _("Loading '{name}', image {number} of {count} …")
        self.loaded = _("'{name}' is loaded.")
        self.loadedWithNotes = _("'{name}' is loaded; note: {notes}.")
        self.preview = _(
            "A preview of '{name}' is shown. It cannot be chosen in other modules or saved; when "
            "the image is there, it takes its place."
        )
        self.previewKept = _(
            "Loading was cancelled. The preview stays: it cannot be chosen in other modules or "
            "saved. Load the image to go on, or remove the preview with its menu."
        )
        self.regionLoaded = _("'{region}' is loaded, a part of '{name}'.")
        self.regionFailed = _("The region of '{name}' could not be loaded: {error}.")
        self.cancelled = _("Loading was cancelled.")
        self.failed = _("'{name}' could not be loaded: {error}.")
