"""Which columns of a table are shown, where, and how wide: the user's choice, kept in QSettings."""

from __future__ import annotations

import re

import qt
from slicer.i18n import tr as _

from ...signal import Signal
from ..settings_values import PREFIX, readText
from .table_views import measureColumn, widenColumn

_SETTINGS_GROUP = "Columns"
_WIDTHS_GROUP = "ColumnWidths"
# In pixels, from 1 to 9999: what else is kept, no user has chosen.
_WIDTH = re.compile(r"[1-9][0-9]{0,3}")


class TableColumns:
    """The columns of ``view``, whose header has a menu to choose them from.

    They can be moved and made wider or narrower.

    ``keys``
        The name of each column in the settings.
    ``names``
        What the menu calls each column; None for one that is always shown.
    ``hiddenAtFirst``
        The columns that are not shown unless the user chooses them.
    ``order``
        All columns from left to right, if they are not as they are counted.

    Columns that are ``redundant``, as all rows have the same value, are left out as well; what the
    user has chosen counts more. ``shownChanged`` is emitted when others are shown.
    """

    def __init__(self, view, tableName, keys, names, hiddenAtFirst=(), order=None):
        self._view = view
        self._header = view.horizontalHeader()
        self._settingsKey = f"{_SETTINGS_GROUP}/{tableName}"
        self._widthsKey = f"{_WIDTHS_GROUP}/{tableName}"
        self._keys = keys
        self._names = names
        self._hiddenAtFirst = frozenset(hiddenAtFirst)
        self._orderAtFirst = list(range(len(keys)) if order is None else order)
        self.shownChanged = Signal()
        self._redundant = frozenset()
        self._chosen = {}
        # A view does not keep its menu alive in Slicer.
        self.menu = qt.QMenu(view)
        self._header.setSectionsMovable(True)
        self._header.contextMenuPolicy = qt.Qt.CustomContextMenu
        self._header.customContextMenuRequested.connect(self._onMenuRequested)
        # Whether columns are moved or measured here, which is no choice of the user's.
        self._isArranging = False
        self._widths = self._keptWidths()
        self._restore()
        for column, width in self._widths.items():
            view.setColumnWidth(column, width)
        self._header.sectionMoved.connect(self._onSectionMoved)
        self._header.sectionResized.connect(self._onSectionResized)

    def setRedundant(self, columns):
        """Leave out these columns, except those that the user has chosen."""
        self._redundant = frozenset(columns)
        self._show()

    def isShown(self, column):
        """Whether a column is shown."""
        if self._names[column] is None:
            return True
        return self._chosen.get(column, column not in self._redundant | self._hiddenAtFirst)

    def shown(self):
        """Return the columns that are shown, from left to right."""
        return [column for column in self._order() if self.isShown(column)]

    def fillMenu(self):
        """Offer the columns, and to have them as at first."""
        self.menu.clear()
        for column, name in enumerate(self._names):
            if name is not None:
                action = self.menu.addAction(name)
                action.checkable = True
                action.checked = self.isShown(column)
                action.toggled.connect(self._onToggled(column))
        self.menu.addSeparator()
        reset = self.menu.addAction(_("Reset columns"))
        reset.triggered.connect(lambda _checked=False: self.reset())

    def choose(self, column, isShown):
        """Show a column, or leave it out, from now on."""
        self._chosen[column] = isShown
        self._show()
        self._keep()

    def reset(self):
        """Show the columns as at first."""
        self._chosen, self._widths = {}, {}
        qt.QSettings().remove(PREFIX + self._settingsKey)
        qt.QSettings().remove(PREFIX + self._widthsKey)
        self._arrange(self._orderAtFirst)
        self._show()
        self.measure()

    def measure(self, narrowest=None):
        """Make the columns that are shown as wide as their first rows, or as the user wants them.

        ``narrowest``: the least width of some columns.
        """
        for column in self.shown():
            self.measureColumn(column, (narrowest or {}).get(column, 0))

    def measureColumn(self, column, narrowest=0):
        """Make a column as wide as its first rows, or as the user wants it."""
        self._isArranging = True
        if column in self._widths:
            self._view.setColumnWidth(column, self._widths[column])
        else:
            measureColumn(self._view, column, narrowest)
        self._isArranging = False

    def widen(self, column):
        """Make a column wide enough for other rows than the first, unless the user wants it so."""
        if column not in self._widths:
            self._isArranging = True
            widenColumn(self._view, column)
            self._isArranging = False

    def setWidth(self, column, width):
        """Make a column so wide, until the user changes it."""
        self._isArranging = True
        self._view.setColumnWidth(column, self._widths.get(column, width))
        self._isArranging = False

    def _onToggled(self, column):
        return lambda isChecked: self.choose(column, isChecked)

    def _onMenuRequested(self, position):
        self.fillMenu()
        self.menu.popup(self._header.mapToGlobal(position))

    def _onSectionMoved(self, *_arguments):
        if not self._isArranging:
            self._keep()

    def _onSectionResized(self, column, _before, width):
        # The last one fills what is left of the view. The width of a hidden column is 0.
        if self._isArranging or width == 0 or column == self.shown()[-1]:
            return
        self._widths[column] = width
        texts = [f"{self._keys[one]}:{width}" for one, width in self._widths.items()]
        qt.QSettings().setValue(PREFIX + self._widthsKey, " ".join(texts))

    def _show(self):
        hasChanged = False
        for column in range(len(self._keys)):
            wasHidden, isShown = self._view.isColumnHidden(column), self.isShown(column)
            hasChanged |= wasHidden == isShown
            self._isArranging = True
            self._view.setColumnHidden(column, not isShown)
            self._isArranging = False
            if wasHidden and isShown:
                self.measureColumn(column)
        if hasChanged:
            self.shownChanged.emit()

    def _order(self):
        return [self._header.logicalIndex(place) for place in range(len(self._keys))]

    def _arrange(self, columns):
        self._isArranging = True
        for place, column in enumerate(columns):
            self._header.moveSection(self._header.visualIndex(column), place)
        self._isArranging = False

    # In the settings stand, from left to right, the keys of the columns; one that the user has
    # chosen begins with +, one that the user does not want with -.

    def _keep(self):
        signs = {True: "+", False: "-", None: ""}
        texts = [signs[self._chosen.get(column)] + self._keys[column] for column in self._order()]
        qt.QSettings().setValue(PREFIX + self._settingsKey, " ".join(texts))

    def _keptWidths(self):
        texts = readText(self._widthsKey).split()
        pairs = [text.partition(":")[::2] for text in texts]
        return {
            self._keys.index(key): int(width)
            for key, width in pairs
            if key in self._keys and _WIDTH.fullmatch(width)
        }

    def _restore(self):
        texts = readText(self._settingsKey).split()
        columns = []
        for text in texts:
            key = text.lstrip("+-")
            if key in self._keys and self._keys.index(key) not in columns:
                columns.append(self._keys.index(key))
                if text != key:
                    self._chosen[columns[-1]] = text.startswith("+")
        self._arrange(self._withNewColumns(columns))
        self._show()

    def _withNewColumns(self, columns):
        """Return also those that were not there when an older version wrote the settings.

        Each stands to the right of the one that is before it at first.
        """
        order = list(columns)
        for place, column in enumerate(self._orderAtFirst):
            if column not in order:
                before = self._orderAtFirst[place - 1] if place else None
                order.insert(order.index(before) + 1 if place else 0, column)
        return order
