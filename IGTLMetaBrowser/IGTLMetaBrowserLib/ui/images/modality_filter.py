"""Chips to choose modalities with; a menu in their place where there are many."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ...codec import printable
from ...signal import Signal

# So wide may all chips be together, in pixels, for a narrow panel. Each has a margin.
_WIDEST_CHIPS = 350
_CHIP_MARGIN = 28
# A list may name any number of modalities; the filter box finds the others as well.
LONGEST_MENU = 40


class ModalityFilter:
    """Fills ``widget`` with a button for each modality; emits ``chosenChanged`` when one is used.

    None that is chosen means all. The Tab key comes to them from the widget ``before`` them.
    """

    def __init__(self, widget, before, localeTexts):
        # An empty layout is false in PythonQt: slicer.util.childWidgetVariables leaves it out.
        self._layout = widget.layout()
        self._widget = widget
        self._before = before
        self._localeTexts = localeTexts
        self.chosenChanged = Signal()
        self._modalities = ()
        self._chosen = set()
        self._choices = {}
        self._menuButton = None
        self._menu = None
        self._layout.addStretch(1)
        widget.visible = False

    @property
    def chosen(self):
        """The modalities to be shown; none means all."""
        return sorted(self._chosen.intersection(modality for modality, _count in self._modalities))

    def setModalities(self, modalities):
        """Offer these pairs of modality and number of images; what was chosen stays so."""
        if list(modalities) == list(self._modalities):
            return
        self._modalities = modalities
        self._clear()
        texts = self._chipTexts(modalities)
        if texts is None:
            self._makeMenu(modalities[:LONGEST_MENU])
        elif len(modalities) > 1:
            self._makeChips(modalities, texts)
        self._widget.visible = len(self._choices) > 0

    def clear(self):
        """Choose none, which shows all."""
        self._chosen.clear()
        for choice in self._choices.values():
            choice.checked = False

    def _clear(self):
        # The choices are chips, or actions of the button's menu, which go with the button.
        isMenu = self._menuButton is not None
        for widget in [self._menuButton] if isMenu else self._choices.values():
            # Deleting waits for the event loop in which this was called.
            widget.hide()
            widget.deleteLater()
        self._choices, self._menuButton, self._menu = {}, None, None

    def _chipTexts(self, modalities):
        """Return what stands on the chips, with numbers if they fit; None if none fit."""
        metrics = qt.QFontMetrics(qt.QApplication.font())
        for text in (self._textWithCount, self._text):
            texts = [text(*modality) for modality in modalities[:LONGEST_MENU]]
            widths = [metrics.horizontalAdvance(text) + _CHIP_MARGIN for text in texts]
            if sum(widths) <= _WIDEST_CHIPS:
                return texts
        return None

    def _makeChips(self, modalities, texts):
        before = self._before
        for place, (modality, count) in enumerate(modalities):
            chip = qt.QToolButton()
            chip.checkable = True
            chip.text = texts[place]
            number = self._localeTexts.number(count)
            chip.toolTip = _("Images of this modality: {number}").format(number=number)
            self._layout.insertWidget(place, chip)
            qt.QWidget.setTabOrder(before, chip)  # otherwise it would be the panel's last
            self._prepare(chip, modality)
            before = chip

    def _makeMenu(self, modalities):
        self._menuButton = qt.QToolButton()
        self._menuButton.popupMode = qt.QToolButton.InstantPopup
        self._menuButton.toolTip = _("Show only images of some modalities")
        self._menu = qt.QMenu(self._menuButton)
        self._menuButton.setMenu(self._menu)
        self._layout.insertWidget(0, self._menuButton)
        qt.QWidget.setTabOrder(self._before, self._menuButton)
        for modality, count in modalities:
            action = self._menu.addAction(self._textWithCount(modality, count))
            action.checkable = True
            self._prepare(action, modality)
        self._nameMenu()

    def _textWithCount(self, modality, count):
        return f"{self._text(modality, count)} ({self._localeTexts.number(count)})"

    def _text(self, modality, _count):
        # An ampersand would underline the letter that follows.
        return printable(modality).replace("&", "&&") or _("none")

    def _prepare(self, choice, modality):
        choice.checked = modality in self._chosen
        choice.toggled.connect(lambda checked: self._onToggled(modality, checked))
        self._choices[modality] = choice

    def _onToggled(self, modality, checked):
        if checked:
            self._chosen.add(modality)
        else:
            self._chosen.discard(modality)
        self._nameMenu()
        self.chosenChanged.emit()

    def _nameMenu(self):
        if self._menuButton is not None:
            names = [self._text(modality, 0) for modality in self.chosen]
            text = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
            self._menuButton.text = _("Modality: {names}").format(names=text or _("all"))
