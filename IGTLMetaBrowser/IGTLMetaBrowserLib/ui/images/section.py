"""The table of images, and what can be done with them."""

from __future__ import annotations

import time

import numpy as np
import qt
from slicer.i18n import tr as _

from ...browser.errors import BrowserError
from ...browser.events import ImageStatus
from ...browser.lists.image_list import ImageList
from ...scene.errors import SceneError
from ...scene.images.roi_boxes import roi_corners
from ..details.section import DetailsSection
from ..settings_values import keepBool, readBool
from ..timers import SingleShotTimer
from ..views.slice_views import showInSliceViews
from ..widgets.empty_table_text import EmptyTableText
from ..widgets.table_model import UNSORTED
from ..widgets.table_views import limitHeight, nextSorting, prepareTable
from .column_numbers import PREVIEW, STATE
from .columns import ImageColumns
from .context_menu import ImageMenu
from .copying import ImageCopying
from .covering import ListCovering
from .filter_section import FilterSection
from .list_info import ListInfo
from .list_notice import ListNotice
from .memory_question import MemoryQuestion
from .overlay_section import labelMapEntries
from .preview_section import PreviewSection
from .row_selection import RowSelection
from .sequence_loading import SequenceLoading
from .thumbnail_column import ThumbnailColumn

_FEWEST_ROWS, _MOST_ROWS = 5, 10
_FEWEST_HIGH_ROWS, _MOST_HIGH_ROWS = 2, 5
_GROUPED_SETTING = "GroupByPatient"
# The list is drawn first; then the columns are made ready to be filtered.
_PREPARE_MILLISECONDS = 20
_PREPARE_SECONDS = 0.008
# How many times as long as it took to show the list it is not shown again for what comes unasked.
_REST_FACTOR = 9
_LONGEST_REST = 5.0  # seconds
_ARRANGING_SECONDS = 0.02


class ImageSection:
    """The view of ``model`` in ``ui``, with its filter, its menu and its details."""

    def __init__(self, ui, browser, model, colors, localeTexts, statusLine, tips):
        self.ui = ui
        self.model = model
        self._tips = tips
        self._browser = browser
        self._statusLine = statusLine
        model.setGrouped(readBool(_GROUPED_SETTING))
        ui.groupCheckBox.checked = model.isGrouped
        ui.imageTableView.setModel(model)
        self._headerSelection = prepareTable(ui.imageTableView)
        self.columns = ImageColumns(ui.imageTableView, model)
        self._info = ListInfo(ui.listedLabel, browser, self.columns, localeTexts)
        self._notice = ListNotice(ui, browser, colors)
        self.filter = FilterSection(ui, browser, model, colors, localeTexts, statusLine)
        self.selection = RowSelection(ui.imageTableView, model)
        self.details = DetailsSection(ui, browser, model, colors, localeTexts, statusLine, tips)
        self.sequences = SequenceLoading(ui, browser, model, statusLine)
        self._memory = MemoryQuestion(browser, model, localeTexts)
        self.copying = ImageCopying(
            ui.imageTableView, model, self.columns, self.selection, browser, localeTexts, statusLine
        )
        self.menu = ImageMenu(ui.imageTableView, self)
        self._emptyText = EmptyTableText(ui.imageTableView)
        self._texts = _texts()
        self._prepareTimer = SingleShotTimer(self._prepareFilter)
        self._listTimer = SingleShotTimer(self.showListSoon)
        self._listShownAt = self._listSeconds = 0.0
        self._covering = ListCovering(browser, self.showList)
        self._measured, self._hadGroups = model.images, model.rows.has_groups
        ui.refreshButton.icon = qt.QApplication.style().standardIcon(qt.QStyle.SP_BrowserReload)
        self._connectWidgets()
        self.thumbnails = ThumbnailColumn(
            ui.imageTableView, model, self.columns, browser, self._limitHeight
        )
        self.preview = PreviewSection(ui, browser, model, self.thumbnails)
        self._limitHeight()

    def _connectWidgets(self):
        ui = self.ui
        ui.imageTableView.clicked.connect(self._onClicked)
        ui.imageTableView.doubleClicked.connect(self._onDoubleClicked)
        ui.imageTableView.horizontalHeader().sectionClicked.connect(self._onHeaderClicked)
        ui.selectAllButton.clicked.connect(self.selectAll)
        ui.selectNoneButton.clicked.connect(self.selectNone)
        ui.groupCheckBox.toggled.connect(self._onGroupToggled)
        self.model.modelReset.connect(self._onModelReset)

    def close(self):
        """Wait for nothing any more."""
        self.filter.close()
        self.preview.close()
        self.thumbnails.close()
        self.details.close()
        self._info.close()
        self._notice.close()
        self._prepareTimer.close()
        self._listTimer.close()
        self._covering.close()
        self.copying.close()
        self._headerSelection.delete()

    # The list

    def showList(self):
        """Show the browser's list and its live images; filter, selection and scroll stay."""
        begin = time.thread_time()  # what others do meanwhile does not count
        self._listTimer.stop()
        live = [liveState.entry for liveState in self._browser.images.live.states.values()]
        listing, patients = self._browser.metadata.listing, self._browser.patients
        if not self._covering.isDone(listing, self.model.images):
            self.model.cover()
            return
        live += labelMapEntries(self._browser.overlays.label_maps.listed, listing)
        images = ImageList(
            listing.entries,
            live,
            patients,
            listing.long_entries,
            self.model.images,
            listing.issuers,
            listing.table,
        )
        self.filter.showList(images)
        self._info.update()
        self._notice.update()
        self._prepareTimer.start(_PREPARE_MILLISECONDS)
        self._listShownAt = time.monotonic()
        self._listSeconds = time.thread_time() - begin

    def showListSoon(self):
        """Show it with what has come unasked: at once, unless that was done a moment ago.

        A server may send such things without end, and a list of a million images takes long each
        time: a tenth of the time may go into that, or a little more.
        """
        idleSeconds = time.monotonic() - self._listShownAt
        restSeconds = min(_REST_FACTOR * self._listSeconds, _LONGEST_REST) - idleSeconds
        if self.model.isArranging:  # it would begin again, and might never end
            restSeconds = max(restSeconds, _ARRANGING_SECONDS)
        if restSeconds <= 0:
            self.showList()
        else:
            self._listTimer.startIfIdle(int(1000 * restSeconds) + 1)

    def _prepareFilter(self):
        if self.model.images.prepare(_PREPARE_SECONDS):
            self._prepareTimer.start(0)  # the user may type already

    def showPatients(self):
        """Show whether patients are hidden."""
        filterBox, redact = self.ui.filterLineEdit, self._browser.patients.redact
        if redact(filterBox.text) != filterBox.text:
            self.filter.clear()
        self.filter.search.showPatients()
        self.showList()

    def showLiveImage(self, imageId):
        """Show that a live image came; a row for it if there is none."""
        if self.model.images.row(imageId) is None:
            self.showListSoon()
        else:
            self.model.updateState(imageId)

    def showStates(self):
        """Show that the states of many images have changed."""
        liveRows = range(self.model.images.first_live_row, len(self.model.images))
        labelMaps = self._browser.overlays.label_maps.listed
        kept = {*self._browser.images.live.states, *(one.id for one in labelMaps)}
        if all(self.model.images.image_id(row) in kept for row in liveRows):
            self.model.updateStates()
        else:
            self.showList()

    # What the user chooses

    @property
    def hasServer(self):
        return self._browser.connection.has_server

    @property
    def hasSelection(self):
        return not self.selection.isEmpty

    @property
    def isSorted(self):
        return self.model.sortColumn != UNSORTED

    def selectedStatuses(self):
        """Return which statuses the selected images have that can be loaded."""
        states = self._browser.images.states.by_id
        known = self.selection.among(states)
        statuses = {states[imageId].status for imageId in known}
        if len(known) < self.selection.total:
            statuses.add(ImageStatus.NOT_LOADED)
        return statuses

    def focusTable(self):
        """Go on in the table by keyboard, with the present row, or else the first, selected."""
        view = self.ui.imageTableView
        # Before it has the focus: Qt then makes the first row the present one, unselected.
        if self.model.rowCount() > 0 and not self.hasSelection:
            present = view.currentIndex()
            view.setCurrentIndex(present if present.isValid() else self.model.index(0, STATE))
        view.setFocus()

    def selectAll(self, _checked=False):
        """Select all images that are shown."""
        self.selection.selectAll()

    def selectNone(self, _checked=False):
        """Select no image."""
        self.selection.selectNone()

    def loadSelected(self, _checked=False):
        """Load the selected images, those that are loaded as well."""
        positions = self.selection.positions()
        self._load(self.model.images.ids_when_needed(positions), positions)

    def loadSelectedNew(self):
        """Load those of the selected images that are not loaded."""
        positions = self.selection.positions()
        areLoaded = np.zeros(len(self.model.images), bool)
        areLoaded[self.model.images.rows_of(self._selectedLoadedIds())] = True
        positions = positions[~areLoaded[positions]]
        self._load(self.model.images.ids_when_needed(positions), positions)

    def loadSelectedAgain(self):
        """Load those of the selected images again that are loaded."""
        self._load(self._selectedLoadedIds())

    @property
    def canLoadRegions(self):
        """Whether the server sends parts of images."""
        return self._browser.images.regions.are_offered

    def loadRegion(self, roi):
        """Load the part of the selected image that lies in a vtkMRMLMarkupsROINode."""
        imageId = self.selection.imageIds()[0]
        try:
            self._browser.images.regions.request(imageId, roi_corners(roi))
        except (BrowserError, SceneError) as error:
            self._statusLine.showError(error)
        else:
            self._statusLine.show(_("Loading the region '{name}' …"), name=roi.GetName())

    @property
    def hasSelectedSequence(self):
        return bool(self.selection.among(self._browser.images.sequences.ids))

    def loadSelectedSequences(self):
        """Load the 4D series of the selected images, each as one sequence."""
        imageIds = self.selection.among(self._browser.images.sequences.ids)
        sequences = self._browser.images.sequences.having(imageIds)
        ofSequences = [imageId for sequence in sequences for imageId in sequence.ids]
        if self._isEnoughMemory(ofSequences):
            self.sequences.load(imageIds)

    def cancelSelected(self):
        """Stop loading the selected images."""
        self._browser.images.cancel(self.selection.imageIds())

    @property
    def hasSelectedPreviews(self):
        """Whether of one of the selected images a preview is in the scene."""
        return bool(self.selection.among(self._browser.images.downloads.parts.ids_with_previews))

    def removeSelectedPreviews(self):
        """Remove the previews of the selected images, which no other module offers to do."""
        previews = self._browser.images.downloads.parts.ids_with_previews
        self._browser.images.remove_previews(self.selection.among(previews))

    def showSelectedInViews(self):
        """Show the first selected image that is loaded in the slice views."""
        for imageId in self._selectedLoadedIds():
            node = self._browser.images.node(imageId)
            if node is not None:
                self._browser.images.sequences.select_frame(imageId)
                showInSliceViews(node)
                return

    def useServerColors(self):
        """Show the selected images that are loaded with the color table of the server."""
        for imageId in self._selectedLoadedIds():
            self._browser.overlays.request_color_table(imageId)

    def useWindowAndLevel(self):
        """Show the selected images that are loaded as before ``useServerColors``."""
        for imageId in self._selectedLoadedIds():
            self._browser.overlays.stop_using_color_table(imageId)

    def loadedLabelMaps(self):
        """Return the ids of the selected label maps that are loaded."""
        loaded = self._selectedLoadedIds()
        return [imageId for imageId in loaded if self._browser.overlays.is_label_map(imageId)]

    def showAsSegmentations(self):
        """Show the selected label maps that are loaded as segmentations, too."""
        for imageId in self.loadedLabelMaps():
            try:
                node = self._browser.overlays.label_maps.show_segmentation(imageId)
            except SceneError as error:
                self._statusLine.showError(error)
            else:
                text = _("'{name}' is shown as a segmentation.")
                self._statusLine.showResult(text, name=node.GetName())

    def showDetails(self):
        """Unfold the details of the present row."""
        self.details.show()

    def unsort(self):
        """Show the images in the order in which the server lists them."""
        self._sort(UNSORTED, qt.Qt.AscendingOrder)

    def _selectedLoadedIds(self):
        states = self._browser.images.states.by_id.items()
        loaded = (one for one, state in states if state.status is ImageStatus.LOADED)
        return self.selection.among(loaded)

    # Groups

    def openGroups(self):
        """Show what is below the patient or study that has the keyboard's attention."""
        self._toggleCurrentGroup(isOpen=False)

    def closeGroups(self):
        """Hide what is below it; from an image, go to its study, from that to its patient."""
        row = self.ui.imageTableView.currentIndex().row()
        isOpenGroup = row >= 0 and self.model.rows.is_group(row) and self.model.isGroupOpen(row)
        if isOpenGroup:
            self._toggleGroup(row)
        elif self.model.rows.has_groups and row >= 0 and self.model.rows.header_rows(row):
            index = self.model.index(self.model.rows.header_rows(row)[-1], 0)
            self.ui.imageTableView.setCurrentIndex(index)

    def _toggleCurrentGroup(self, isOpen):
        row = self.ui.imageTableView.currentIndex().row()
        if row >= 0 and self.model.rows.is_group(row) and self.model.isGroupOpen(row) is isOpen:
            self._toggleGroup(row)

    def _toggleGroup(self, row):
        self.selection.setCurrent(self.model.index(row, 0))
        self.model.toggleGroups([row])

    def _onGroupToggled(self, isChecked):
        keepBool(_GROUPED_SETTING, isChecked)
        self.model.setGrouped(isChecked)

    def _onClicked(self, index):
        if index.column() == STATE and self.model.rows.is_group(index.row()):
            self._toggleGroup(index.row())

    def _onDoubleClicked(self, index):
        if self.model.rows.is_group(index.row()):
            if index.column() != STATE:  # its first click has done it
                self._toggleGroup(index.row())
        elif self.model.isLoadable(index.row()):
            self._load([self.model.imageId(index.row())])
        else:
            self._statusLine.show("{note}", note=self.model.notes(index.row())[0])

    def _load(self, imageIds, positions=None):
        """Load images; ``positions`` are theirs, if they are known: a million take a moment."""
        if self.hasServer and not self._isEnoughMemory(imageIds, positions):
            return
        if not self.hasServer:  # or no more, after the question
            self._statusLine.show(_("Not connected. Press Connect first."))
        elif imageIds:
            self._statusLine.forgetResult()
            self._browser.request_images(imageIds)

    def _isEnoughMemory(self, imageIds, positions=None):
        if positions is None:
            positions = self.model.images.rows_of(imageIds)
        return self._memory.agrees(positions[positions >= 0])

    # How it looks

    def update(self):
        """Enable what can be done now, and say how old the list is."""
        self._tips.enable(self.ui.loadButton, self._whyNothingCanBeLoaded())
        self.ui.selectAllButton.enabled = self.model.rowCount() > 0
        self.ui.selectNoneButton.enabled = self.hasSelection
        self._info.update()
        self._emptyText.show(self._whyTableIsEmpty())

    def _whyNothingCanBeLoaded(self):
        if not self.hasServer:
            return self._texts["connectFirst"]
        return "" if self.hasSelection else self._texts["selectFirst"]

    def _whyTableIsEmpty(self):
        """Return what is to be done to see images; nothing where the status line says it."""
        if self.model.rowCount() > 0:
            return ""
        if self.model.isCovered and self._browser.patients.is_hidden:
            return self._texts["covering"]
        if self.model.isCovered or self.model.isArranging:
            return self._texts["filtering"]
        if len(self.model.images) > 0:
            return self._texts["noMatch"]
        return "" if self.hasServer else self._texts["noServer"]

    def _onModelReset(self):
        self._limitHeight()
        if self.model.isCovered:  # the columns stay as wide as they are
            self.columns.common = []
            self._info.update()
            return
        # Of a long list there may be no rows before it is known which.
        if self.model.isArranging:
            return
        if self.model.images is not self._measured:
            self._measured = self.model.images
            self.columns.showList()
        if self.model.rows.has_groups != self._hadGroups:
            self._hadGroups = self.model.rows.has_groups
            self.columns.showGroups()
        if self.selection.isScattered:
            self._statusLine.show(self._texts["scattered"])
        self._info.update()

    def _limitHeight(self):
        hasPictures = self.columns.isShown(PREVIEW)
        fewest = _FEWEST_HIGH_ROWS if hasPictures else _FEWEST_ROWS
        most = _MOST_HIGH_ROWS if hasPictures else _MOST_ROWS
        limitHeight(self.ui.imageTableView, fewest, most)

    def _onHeaderClicked(self, column):
        """Sort by a column: up, then down, then not at all."""
        if column != PREVIEW:
            self._sort(*nextSorting(self.model, column))

    def _sort(self, column, order):
        self.ui.imageTableView.horizontalHeader().setSortIndicator(column, order)
        self.model.sort(column, order)


def _texts():
    return {
        "connectFirst": _("{tip}. Connect to a server first."),
        "selectFirst": _("{tip}. Select images in the table first."),
        "covering": _("Hiding patients …"),
        "scattered": _(
            "What you selected lies in too many places of this table; it is selected again with "
            "the filter or the order of before"
        ),
        "filtering": _("Filtering …"),
        "noMatch": _("No image matches. Clear the filter to see all images."),
        "noServer": _("Connect to a server to see its images"),
    }
