"""What the panel shows of the events of its browser."""

from __future__ import annotations

from ..browser import events
from ..browser.lists.image_search import NO_SEARCH
from ..codec import printable
from .timers import SingleShotTimer
from .views.drawing_turns import DrawingTurns
from .views.live_views import LiveViews
from .views.preview_views import PreviewViews
from .views.slice_views import showInSliceViews
from .views.three_d_drawing import ThreeDDrawing

_TOGETHER = (events.ImagesWaiting, events.ImagesCancelled, events.ImageFailed)
# Slicer draws its whole window anew for any change in it, which in software takes 10 to 20 ms.
_MILLISECONDS_BETWEEN_UPDATES = 500
# Slicer draws a volume in the views a sixtieth of a second after it has come; then, and not in the
# same turn of the event loop, the panel follows.
_MILLISECONDS_TO_DRAW = 50


class PanelEvents:
    """Handles the events of the browser of ``panel``, from now until ``close``."""

    def __init__(self, panel, messages, localeTexts):
        self._panel = panel
        self._browser = panel.browser
        self._status = panel.status
        self._messages = messages
        self._localeTexts = localeTexts
        self._imageInStatus = None
        self._trajectoriesInStatus = None
        self._failure = None
        self._wasSearched = False
        self._isUpdateDue = self._hasShownFailure = False
        self._handlers = self._makeHandlers()
        self._handlersAlone = self._makeHandlersAlone()
        self._updateTimer = SingleShotTimer(self._updateStates)
        self._frequentTimer = SingleShotTimer(self._updateFrequent)
        self._idsToUpdate = set()
        self._loaded = []
        self._isAskedDue = False
        self._nodeToShow = None
        self._viewsTimer = SingleShotTimer(self._showInViews)
        self._drawing = DrawingTurns()
        self._threeDDrawing = ThreeDDrawing()
        self._liveViews = LiveViews(self._browser.images.live)
        self._previewViews = PreviewViews()
        self._previewViews.update()  # a panel before this one may have kept some
        self._browser.add_observer(self._onBrowserEvent)

    def close(self):
        """Handle no more events."""
        self._browser.remove_observer(self._onBrowserEvent)
        self._updateTimer.close()
        self._frequentTimer.close()
        self._viewsTimer.close()
        self._drawing.close()
        self._threeDDrawing.close()
        self._liveViews.close()
        self._previewViews.close()

    @property
    def isUpToDate(self):
        """Whether all images that have come are in the views, and in the panel."""
        isDrawn = not self._drawing.isActive
        return isDrawn and self._nodeToShow is None and not self._loaded and not self._isAskedDue

    def forgetTrajectories(self):
        """Say how many trajectories come next, also if it is as many as before."""
        self._trajectoriesInStatus = None

    def _makeHandlers(self):
        return {
            events.Connecting: self._onConnecting,
            events.Connected: self._onConnected,
            events.Disconnected: self._onDisconnected,
            events.Deferred: self._onDeferred,
            events.ListUnanswered: self._onListUnanswered,
            events.Listed: self._onListed,
            events.PreviewShown: self._onPreviewShown,
            events.RegionLoaded: self._onRegionLoaded,
            events.RegionFailed: self._onRegionFailed,
            events.ImageFailed: self._onImageFailed,
            events.ImagesCancelled: self._onImagesCancelled,
            events.ImagesAdopted: self._onImagesAdopted,
            events.LiveImage: self._onLiveImage,
            events.TrajectoriesChanged: self._onTrajectoriesChanged,
            events.TrajectoriesShown: self._onTrajectoriesShown,
            events.TrajectoriesSent: self._onTrajectoriesSent,
            events.Failed: self._onFailed,
            events.SceneClosed: self._onSceneClosed,
            events.SceneImported: self._onSceneImported,
            **self._panel.overlays.handlers,
            **self._panel.record.handlers,
            **self._panel.images.sequences.handlers,
        }

    def _makeHandlersAlone(self):
        """Return those after which the panel as a whole does not follow."""
        return {
            events.Previewing: lambda _event: None,  # the table and the preview see for themselves
            events.VolumeChanging: lambda _event: self._drawing.begin(),
            events.VolumeAdding: lambda _event: self._threeDDrawing.hold(),
            events.Asked: self._onTransfer,
            events.ImageLoaded: self._onTransfer,
        }

    def _onBrowserEvent(self, event):
        handleAlone = self._handlersAlone.get(type(event))
        if handleAlone is not None:
            handleAlone(event)
            return
        if isinstance(event, events.PreviewShown) and not event.is_first:
            self._previewViews.update()  # the panel follows with the progress
            return
        handler = self._handlers.get(type(event))
        if isinstance(event, _TOGETHER):
            self._showTransfers()
            # Many of these may come at once: the rows follow together in the next turn.
            if handler is not None:
                handler(event)
            if not self._isUpdateDue:
                self._isUpdateDue = True
                self._updateTimer.start()
            return
        if self._isStream(event):
            self._panel.trajectories.showStream()
            return
        if self._isFrequent(event):
            self._idsToUpdate.add(event.image_id)
            if not self._frequentTimer.isActive():
                self._updateFrequent()
            if isinstance(event, events.LiveImage) and event.node is not None:
                self._liveViews.draw(event)
            return
        self._showTransfers()
        self._failure = None
        if handler is not None:
            handler(event)
        self._panel.update()

    def _updateStates(self):
        self._isUpdateDue = self._hasShownFailure = False
        self._showFailure()
        self._panel.images.showStates()
        self._previewViews.update()
        self._panel.update()

    def _isFrequent(self, event):
        """Whether such events come many times a second, so that the panel follows now and then."""
        match event:
            case events.LiveImage():
                return not event.is_first
            case _:
                return isinstance(event, events.ImageProgress)

    def _isStream(self, event):
        """Whether such events of trajectories come many times a second."""
        match event:
            case events.TrajectoriesChanged():
                return event.is_unsolicited
            case events.TrajectoriesShown():
                return _inStatus(event) == self._trajectoriesInStatus
            case _:
                return False

    def _updateFrequent(self):
        """Show what frequent events have changed, and nothing more of that for a moment."""
        imageIds, self._idsToUpdate = self._idsToUpdate, set()
        hasTransfers = bool(self._loaded) or self._isAskedDue
        if not (imageIds or hasTransfers):
            return
        self._frequentTimer.start(_MILLISECONDS_BETWEEN_UPDATES)
        for imageId in imageIds:
            if imageId in self._browser.images.live.states:
                self._panel.images.showLiveImage(imageId)
            else:
                self._panel.model.updateState(imageId)
        self._showTransfers()
        self._panel.update()

    # The connection

    def _onConnecting(self, event):
        self._panel.connection.onConnecting()
        if not event.is_again:
            self._panel.settings.apply()
            self._panel.settings.showAgain()
            self._status.forgetResult()
            self._status.show(self._messages.connecting)

    def _onConnected(self, event):
        self._panel.connection.onConnected()
        self._panel.trajectories.showList()
        if event.is_again:
            self._status.showReconnected(self._messages.reconnected)
            return
        self._panel.offers.onConnected()
        self._status.show(self._messages.connected)
        self._browser.images.request_list()

    def _onDisconnected(self, event):
        if not self._browser.connection.has_server:
            self._panel.archive.onServerLeft()
            self._panel.images.showList()
            self._panel.trajectories.showList()
            self.forgetTrajectories()
            self._status.forgetResult()
        if event.error is None:
            self._status.showNothingBut(self._messages.notConnected)
        else:
            self._status.showLoss(event.error)
            self._panel.connection.onFailed(event.error)

    def _onDeferred(self, event):
        names = self._messages.deferredNames
        name = names.get(event.data_type, event.data_type)
        self._status.show(self._messages.deferred, name=name)

    def _onListUnanswered(self, event):
        self._status.showResult(self._messages.listUnanswered, error=event.error)

    def _onFailed(self, event):
        self._panel.offers.onFailed(event.error)
        self._status.showError(event.error)

    def _onSceneClosed(self, _event):
        self._panel.share.nodes.reset()

    def _onSceneImported(self, _event):
        # The views may show its images now, and no preview of what is arriving.
        self._imageInStatus = None
        self._showAsked()

    # Images

    def _onTransfer(self, event):
        """Handle that an image has come, or that the next one was asked for.

        Each has a turn of the event loop of its own: to bring it into the scene, to bring it into
        the views, and to show in the panel that it is there.
        """
        self._failure = None
        if isinstance(event, events.Asked):
            self._isAskedDue = True
        else:
            self._loaded.append(event)
            self._showLater(event.node)
        if self._browser.images.is_loading:
            self._frequentTimer.startIfIdle(_MILLISECONDS_TO_DRAW)
        else:  # nothing more will come to be shown with it
            self._frequentTimer.start(_MILLISECONDS_TO_DRAW)

    def _showLater(self, node):
        """Show a volume in the slice views, if that is wanted, in a turn of its own."""
        if self._showsInViews:
            self._nodeToShow = node
        self._viewsTimer.start()

    def _showInViews(self):
        node, self._nodeToShow = self._nodeToShow, None
        if node is not None and node.GetScene() is not None:
            self._drawing.begin()
            showInSliceViews(node)
        self._previewViews.update()

    def _showTransfers(self):
        """Show which images have come, and which one was asked for, since this was last shown."""
        loaded, self._loaded = self._loaded, []
        isAskedDue, self._isAskedDue = self._isAskedDue, False
        for event in loaded:
            self._panel.model.updateState(event.image_id)
            for labelMap in self._browser.overlays.label_maps.listed:
                if labelMap.owner == event.image_id:  # its notes tell whether they fit
                    self._panel.model.updateState(labelMap.id)
        if loaded:
            self._showLoaded(loaded[-1])
        if isAskedDue:
            self._showAsked()

    def _showLoaded(self, event):
        self._imageInStatus = None
        messages = self._messages
        notes = "; ".join([*event.notes, *self._panel.model.calibrationNotes(event.image_id)])
        text = messages.loadedWithNotes if notes else messages.loaded
        self._status.showResult(text, name=self._imageName(event.image_id), notes=notes)

    def _showAsked(self):
        transfer = self._browser.images.downloads.transfer
        if transfer is not None and self._imageInStatus != transfer.image_id:
            self._imageInStatus = transfer.image_id
            self._panel.model.updateState(transfer.image_id)
            self._status.show(
                self._messages.loading,
                name=self._imageName(transfer.image_id),
                number=transfer.done + 1,
                count=transfer.total,
            )

    def _onListed(self, event):
        images = self._panel.images
        before = images.model.images
        images.showList()
        self._panel.trajectories.showStates()  # they name their images
        isSearched = self._browser.images.listing.search != NO_SEARCH
        messages = self._messages
        text = (messages.found if isSearched else messages.listed)(len(event.entries))
        added, withdrawn = images.model.images.count_changes(before)
        if before.first_live_row and (added or withdrawn) and not (isSearched or self._wasSearched):
            number = self._localeTexts.number
            changes = self._messages.listChanges
            text += changes.format(added=number(added), withdrawn=number(withdrawn))
        self._wasSearched = isSearched
        if event.is_update:  # what is said already is more than that
            return
        if self._browser.images.listing.notice:
            text += messages.thereAreMore
        self._status.showResult(text + ".")

    def _onPreviewShown(self, event):
        self._showLater(event.node)
        name = self._imageName(event.image_id)
        self._status.show(self._messages.preview, name=name)
        self._previewViews.update()

    def _onRegionLoaded(self, event):
        self._showLater(event.node)
        name, region = self._imageName(event.image_id), event.node.GetName()
        self._status.showResult(self._messages.regionLoaded, name=name, region=region)

    def _onRegionFailed(self, event):
        name = self._imageName(event.image_id)
        self._status.show(self._messages.regionFailed, name=name, error=event.error)

    def _onImagesCancelled(self, event):
        self._imageInStatus = self._failure = None
        messages = self._messages
        hasPreview = not self._browser.images.downloads.parts.ids_with_previews.isdisjoint(
            event.image_ids
        )
        self._status.show(messages.previewKept if hasPreview else messages.cancelled)

    def _onImageFailed(self, event):
        self._imageInStatus = None
        self._failure = event
        if not self._hasShownFailure:
            self._hasShownFailure = True
            self._showFailure()

    def _showFailure(self):
        """Show the last failure of this turn, unless something else has happened since."""
        event, self._failure = self._failure, None
        if event is None:
            return
        name = self._imageName(event.image_id)
        self._status.show(self._messages.failed, name=name, error=event.error)

    def _onImagesAdopted(self, _event):
        self._panel.images.showStates()

    def _onLiveImage(self, event):
        self._panel.images.showLiveImage(event.image_id)
        if event.node is not None and self._showsInViews:
            showInSliceViews(event.node)

    @property
    def _showsInViews(self):
        return self._panel.ui.showInViewsCheckBox.checked

    def _imageName(self, imageId):
        # The table has more than the list: live images and label maps.
        images = self._panel.model.images
        position = images.row(imageId)
        return printable((position is not None and images.entry(position).name) or imageId)

    # Trajectories

    def _onTrajectoriesChanged(self, _event):
        self._panel.trajectories.showList()

    def _onTrajectoriesShown(self, event):
        self._panel.trajectories.showList()
        self._trajectoriesInStatus = _inStatus(event)
        text = self._messages.trajectoriesShown(len(event.nodes))
        if event.problems:
            text += " " + self._messages.notShown
        trajectories = self._browser.trajectories
        # Of several documents, the others say the same of theirs.
        notices = trajectories.documents.notices(trajectories.markups.trajectories)[:1]
        notices = filter(None, [trajectories.documents.notice_of_list, *notices])
        self._status.showResult(text, notices, problems="; ".join(event.problems))

    def _onTrajectoriesSent(self, event):
        self._status.showResult(self._messages.trajectoriesSent(event.count))


def _inStatus(event):
    """Return what the status line says of an answer; a stream that repeats it is not read."""
    return len(event.nodes), tuple(event.problems)
