"""The table of trajectories, and what can be done with them."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ..images.filter_section import DEBOUNCE_MILLISECONDS
from ..plurals import Plural
from ..timers import SingleShotTimer
from ..views.slice_views import SliceTurner, jumpSlicesTo
from ..widgets.row_copying import RowCopying
from ..widgets.table_columns import TableColumns
from ..widgets.table_views import (
    limitHeight,
    nextSorting,
    prepareTable,
    rowsInSight,
    selectedRows,
    selectRows,
)
from .menu import TrajectoryMenu
from .send_menu import SendMenu
from .table import NAME, SHOWN, TrajectoryTableModel

_KEYS = ("shown", "name", "group", "type", "length", "diameter", "image", "note")
_NARROWEST = {SHOWN: 36}
_FEWEST_ROWS, _MOST_ROWS = 2, 7
# Slicer draws its whole window anew for any change in it, which in software takes 10 to 30 ms. Of
# what is hidden in the views nobody waits for the table either.
_MILLISECONDS_BETWEEN_SHOWN = 500
_MILLISECONDS_BETWEEN_HIDDEN = 2000


class TrajectorySection:
    """Shows the trajectories of the browser's server; selecting one moves the slices to it."""

    def __init__(self, ui, browser, colors, localeTexts, statusLine, stores):
        self.ui = ui
        self._browser = browser
        self._localeTexts = localeTexts
        self._statusLine = statusLine
        self._slices = SliceTurner()
        self._isRestoring = False
        self._selectedBefore = []
        self._areColumnsMeasured = False
        self._timer = SingleShotTimer(self.filter)
        self._isStreamDue = False
        self._streamTimer = SingleShotTimer(self._showStream)
        self._shownOfTotal = _("{shown} of {total}")
        self._removeGone = Plural(
            localeTexts,
            _("Remove 1 no longer on server"),
            _("Remove {count} no longer on server"),
        )
        # The view does not keep its model alive in Slicer.
        self.model = TrajectoryTableModel(browser, colors)
        ui.trajectoryTableView.setModel(self.model)
        self._headerSelection = prepareTable(ui.trajectoryTableView)
        self._selectionModel = ui.trajectoryTableView.selectionModel()
        self.sendMenu = SendMenu(
            ui.sendButton, browser, self.selectedNodes, self._listedNodes, statusLine, stores
        )
        self.columns = self._makeColumns()
        done = Plural(
            localeTexts, _("1 trajectory is copied."), _("{count} trajectories are copied.")
        )
        self.copying = RowCopying(
            ui.trajectoryTableView, self.model, self.columns.shown, done, statusLine
        )
        self.menu = TrajectoryMenu(ui.trajectoryTableView, self)
        self._connectWidgets()
        self._limitHeight()

    def close(self):
        """Wait for nothing any more."""
        self._timer.close()
        self._streamTimer.close()
        self.copying.close()
        self._headerSelection.delete()
        self.model.delete()  # see BrowserPanel.close

    def _connectWidgets(self):
        ui = self.ui
        self._selectionModel.selectionChanged.connect(self._onSelectionChanged)
        self.model.modelAboutToBeReset.connect(self._onAboutToBeReset)
        self.model.modelReset.connect(self._onReset)
        self.model.modelReset.connect(self._limitHeight)
        ui.trajectoryTableView.clicked.connect(self._onClicked)
        ui.trajectoryTableView.doubleClicked.connect(self._onDoubleClicked)
        header = ui.trajectoryTableView.horizontalHeader()
        header.sectionClicked.connect(self._onHeaderClicked)
        ui.trajectoryFilterLineEdit.textChanged.connect(self._onFilterChanged)
        ui.trajectoryFilterLineEdit.returnPressed.connect(self.filter)
        ui.showTrajectoriesButton.clicked.connect(self.showSelected)
        ui.hideTrajectoriesButton.clicked.connect(self.hideSelected)
        ui.removeGoneButton.clicked.connect(self._onRemoveGone)
        ui.turnSlicesCheckBox.toggled.connect(self._onTurnToggled)
        ui.allLabelsCheckBox.toggled.connect(self._onAllLabelsToggled)
        ui.trajectoriesCollapsibleButton.contentsCollapsed.connect(self.update)

    def _makeColumns(self):
        names = [self.model.headerData(column, qt.Qt.Horizontal) for column in range(len(_KEYS))]
        names[SHOWN] = names[NAME] = None  # these are always there
        return TableColumns(self.ui.trajectoryTableView, "Trajectories", _KEYS, names)

    def _limitHeight(self):
        limitHeight(self.ui.trajectoryTableView, _FEWEST_ROWS, _MOST_ROWS)

    # The list

    def showList(self):
        """Show the browser's trajectories; filter, order and selection stay."""
        self._isStreamDue = False
        if not self.model.setTrajectories(self._browser.trajectories.markups.trajectories):
            self.model.updateStates()
        self._measureColumns()
        self.update()

    def showStream(self):
        """Show what the server has sent unasked, as it may do many times a second, now and then."""
        self._isStreamDue = True
        if not self._streamTimer.isActive():
            self._showStream()

    def _showStream(self):
        if not self._isStreamDue:
            return
        self._isStreamDue = False
        if self.model.setTrajectories(self._browser.trajectories.markups.trajectories):
            self._measureColumns()
        view = self.ui.trajectoryTableView
        rows = rowsInSight(view) if view.visible else range(0)
        self.model.updatePainted(rows)
        self.update()
        isSeen = any(
            self._browser.trajectories.markups.is_shown(self.model.trajectory(r)) for r in rows
        )
        self._streamTimer.start(
            _MILLISECONDS_BETWEEN_SHOWN if isSeen else _MILLISECONDS_BETWEEN_HIDDEN
        )

    def showStates(self):
        """Show that trajectories are in the scene, or no longer."""
        self.model.updateStates()

    def filter(self):
        """Filter now."""
        self._timer.stop()
        self.model.setFilter(self.ui.trajectoryFilterLineEdit.text)

    def clearFilter(self):
        """Show all of them in the table."""
        self.ui.trajectoryFilterLineEdit.clear()
        self.filter()

    def _onFilterChanged(self, _text):
        self._timer.start(DEBOUNCE_MILLISECONDS)

    def _onHeaderClicked(self, column):
        column, order = nextSorting(self.model, column)
        self.ui.trajectoryTableView.horizontalHeader().setSortIndicator(column, order)
        self.model.sort(column, order)

    # What the user chooses

    def selected(self):
        """Return the selected trajectories, from above."""
        rows = selectedRows(self.ui.trajectoryTableView)
        return [self.model.trajectory(row) for row in rows]

    def selectedNodes(self):
        """Return the nodes of those that are selected and in the scene."""
        nodes = map(self._browser.trajectories.node, self.selected())
        return [node for node in nodes if node is not None]

    def _listedNodes(self):
        trajectories = self._browser.trajectories
        return [*trajectories.nodes, *map(trajectories.node, trajectories.markups.gone)]

    def showSelected(self, _checked=False):
        """Make the selected trajectories visible."""
        self._browser.trajectories.show(self.selected())

    def hideSelected(self, _checked=False):
        """Make the selected trajectories invisible."""
        self._browser.trajectories.hide(self.selected())

    def toggleSelected(self):
        """Hide the selected trajectories if all of them are shown; otherwise show them.

        If none is selected, as when the table was reached by Tab, the present one is selected.
        """
        view = self.ui.trajectoryTableView
        if not self.selected() and view.currentIndex().isValid():
            view.selectRow(view.currentIndex().row())
        selected = self.selected()
        if all(map(self._browser.trajectories.markups.is_shown, selected)):
            self._browser.trajectories.hide(selected)
        else:
            self._browser.trajectories.show(selected)

    def _onClicked(self, index):
        if index.column() != SHOWN:
            return
        one = self.model.trajectory(index.row())
        if self._browser.trajectories.markups.is_shown(one):
            self._browser.trajectories.hide([one])
        else:
            self._browser.trajectories.show([one])

    def _onRemoveGone(self, _checked=False):
        self._browser.trajectories.remove_gone()

    def _onAllLabelsToggled(self, isChecked):
        self._browser.trajectories.are_all_labeled = isChecked

    def _onDoubleClicked(self, index):
        if index.column() != SHOWN:
            self.jumpTo(-1)

    def jumpTo(self, place):
        """Move the slices to a point of the present trajectory: 0 for its entry, -1 its target."""
        index = self.ui.trajectoryTableView.currentIndex()
        if index.isValid():
            one = self.model.trajectory(index.row())
            points = self._browser.trajectories.markups.world_points(one)
            if points:
                jumpSlicesTo(points[place])

    def jumpToTarget(self):
        """Move the slices to where the present trajectory ends."""
        self.jumpTo(-1)

    def jumpToEntry(self):
        """Move the slices to where the present trajectory begins."""
        self.jumpTo(0)

    def selectAll(self):
        """Select all trajectories that the filter leaves."""
        self.ui.trajectoryTableView.selectAll()

    # Where it is

    def _onSelectionChanged(self, _selected=None, _deselected=None):
        if not self._isRestoring:
            self._label()
            self._showPlace()
            self.update()

    def _label(self):
        """Label the selected trajectory; of several, the present one: labels would overlap."""
        selected = self.selected()
        if len(selected) > 1:
            index = self.ui.trajectoryTableView.currentIndex()
            selected = [self.model.trajectory(index.row())] if index.isValid() else []
        self._browser.trajectories.markups.label(selected)

    def _onTurnToggled(self, isChecked):
        if isChecked:
            self._showPlace()
        else:
            self._slices.turnBack()

    def _showPlace(self):
        """Move the slices to the target of the one that is selected."""
        selected = self.selected()
        if len(selected) != 1:
            return
        notes = self.model.notes(selected[0])
        if notes:
            self._statusLine.show("{notes}.", notes="; ".join(notes))
        points = self._browser.trajectories.markups.world_points(selected[0])
        if not points:
            return
        if self.ui.turnSlicesCheckBox.checked:
            self._slices.turnAlong(points[0], points[-1])
        jumpSlicesTo(points[-1])

    def _onAboutToBeReset(self):
        self._selectedBefore = self.selected()

    def _onReset(self):
        wanted = set(map(id, self._selectedBefore))
        rows = range(self.model.rowCount()) if wanted else ()
        self._isRestoring = True
        selectRows(
            self._selectionModel,
            self.model,
            [row for row in rows if id(self.model.trajectory(row)) in wanted],
        )
        self._isRestoring = False
        self.update()

    # How it looks

    def update(self, *_arguments):
        """Show what there is, and enable what can be done now."""
        ui, trajectories = self.ui, self._browser.trajectories
        isOpen = not ui.trajectoriesCollapsibleButton.collapsed
        hasList = len(self.model.list) > 0 and isOpen
        for widget in (
            ui.trajectoryTableView,
            ui.showTrajectoriesButton,
            ui.hideTrajectoriesButton,
            ui.turnSlicesCheckBox,
            ui.allLabelsCheckBox,
        ):
            _setVisible(widget, hasList)
        # A list that is seen as a whole needs no filter.
        isLong = len(self.model.list) > _MOST_ROWS or ui.trajectoryFilterLineEdit.text != ""
        for widget in (ui.trajectoryFilterLineEdit, ui.trajectoryCountLabel):
            _setVisible(widget, hasList and isLong)
        hasSelection = self._selectionModel.hasSelection
        ui.showTrajectoriesButton.enabled = ui.hideTrajectoriesButton.enabled = hasSelection
        ui.allLabelsCheckBox.checked = trajectories.are_all_labeled
        ui.trajectoryCountLabel.text = self._countText()
        self._showGone(len(trajectories.markups.gone))

    def _showGone(self, count):
        button = self.ui.removeGoneButton
        button.visible = count > 0 and not self.ui.trajectoriesCollapsibleButton.collapsed
        button.text = self._removeGone(count)

    def _countText(self):
        shown, total = self.model.rowCount(), len(self.model.list)
        text = self._shownOfTotal if shown < total else "{total}"
        return text.format(
            shown=self._localeTexts.number(shown), total=self._localeTexts.number(total)
        )

    def _measureColumns(self):
        """Make the columns wide enough for the first list; then they are the user's."""
        if not self._areColumnsMeasured and len(self.model.list):
            self.columns.measure(_NARROWEST)
        self._areColumnsMeasured = len(self.model.list) > 0


def _setVisible(widget, isVisible):
    # In a ctkCollapsibleButton, a widget that is there already and is shown again makes the whole
    # panel find its layout, and be painted, anew.
    if widget.isHidden() == isVisible:
        widget.visible = isVisible
