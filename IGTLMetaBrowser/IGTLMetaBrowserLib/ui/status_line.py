"""The last message to the user."""

from __future__ import annotations

import re

import slicer

from ..browser.error_texts import error_text
from ..codec import printable

# What begins like this is a name: of a host, a file, a device, or a number.
_NAME = re.compile(r"\S*[.:/\\\d_\[@]\S")
_SECOND_STOP = re.compile(r"(?<=[.?!])\.$")


class StatusLine:
    """Shows texts in ``label``; in them, ``{address}`` is the server's.

    While the label is out of sight, they are in the status bar of the main window instead.
    """

    def __init__(self, label, browser):
        self._label = label
        self._redact = browser.patients.redact
        self._browser = browser
        self._result = ""
        self._loss = self._mistake = None
        self._isInStatusBar = False

    def show(self, text, **values):
        """Show a text, with the values in it; ``error`` may be an exception."""
        if isinstance(values.get("error"), Exception):
            values["error"] = error_text(values["error"])
        self._showSentences(
            self._sentence(text.format(address=self._browser.connection.address, **values))
        )

    def showPatients(self):
        """Show whether patients are hidden; what was once left out does not come back."""
        self._label.text = self._redact(self._label.text)
        self._result = self._redact(self._result)

    def showNothingBut(self, text):
        """Have a text that needs not be seen, as the window says the same elsewhere."""
        self._label.text = self._redact(text)
        self._label.visible = False
        self._showInStatusBar("")

    def showResult(self, text, notices=(), **values):
        """Show a text, and notices, that are still worth reading when the connection ends."""
        self.show(text, **values)
        for notice in notices:
            self._showSentences(f"{self._label.text} {self._sentence(f'{printable(notice)}.')}")
        self._result = self._label.text

    def showError(self, error):
        """Show what went wrong, after the last result."""
        self._showSentences(f"{self._result} {self._sentence(f'{error_text(error)}.')}")

    def showMistake(self, words):
        """Show what the user is to mend in a field, until ``onMended``."""
        self.show("{error}", error=words)
        self._mistake = self._label.text

    def onMended(self):
        """Show the result before a mistake again, if nothing else was shown since."""
        if self._mistake is not None and self._label.text == self._mistake:
            self._showSentences(self._result)
            self._label.visible = bool(self._result)
        self._mistake = None

    def showLoss(self, error):
        """Show why the connection has ended, until ``showReconnected``."""
        self.showError(error)
        self._loss = self._label.text

    def onSeen(self):
        """The label is in sight again: the status bar need not say the same."""
        self._showInStatusBar("")

    def showReconnected(self, text):
        """Replace the error that ended the connection, if nothing else was shown since."""
        if self._label.text == self._loss:
            self._showSentences(f"{self._result} {self._sentence(text)}")

    def forgetResult(self):
        """Something new has begun."""
        self._result = ""

    def _showSentences(self, text):
        text = self._redact(text.strip())
        self._label.text = text
        self._label.visible = True
        isSeen = not self._label.visibleRegion().isEmpty()
        self._showInStatusBar("" if isSeen else text)

    def _showInStatusBar(self, text):
        # Not always: for the status bar, Slicer puts its whole window together anew (own_window),
        # and what stands there may be another module's.
        if text or self._isInStatusBar:
            self._isInStatusBar = text != ""
            slicer.util.showStatusMessage(text)

    def _sentence(self, text):
        """Return a text that begins with a capital, unless a name stands there.

        Errors are half sentences, so that they can stand in others; some end with a question.
        """
        text = _SECOND_STOP.sub("", text.strip())
        first = text.split(maxsplit=1)[0] if text else ""
        host = self._browser.connection.address.rpartition(":")[0]
        if _NAME.match(first) or (host and first == host):
            return text
        return text[:1].upper() + text[1:]
