"""The last message to the user."""

from __future__ import annotations

from slicer.i18n import tr as _


class StatusLine:
    """Shows texts in ``label``; in them, ``{address}`` is the server's."""

    def __init__(self, label, browser):
        self._label = label
        self._redact = browser.patients.redact
        self._browser = browser
        self._result = ""
        self._loss = None

    def show(self, text, **values):
        """Show a text, with the values in it."""
        status = text.format(address=self._browser.connection.address, **values).strip()
        # Errors are half sentences, so that they can stand in others; some end with a question.
        status = (status[:1].upper() + status[1:]).replace("?.", "?")
        self._label.text = self._redact(status)
        self._label.visible = True

    def showPatients(self):
        """Show whether patients are hidden; what was once left out does not come back."""
        self._label.text = self._redact(self._label.text)
        self._result = self._redact(self._result)

    def showNothingBut(self, text):
        """Have a text that needs not be seen, as the window says the same elsewhere."""
        self.show(text)
        self._label.visible = False

    def showResult(self, text, **values):
        """Show a text that is still worth reading when the connection ends."""
        self.show(text, **values)
        self._result = self._label.text

    def showError(self, error):
        """Show what went wrong, after the last result."""
        self.show("{result} {error}.", result=self._result, error=error)

    def showLoss(self, error):
        """Show why the connection has ended, until ``showReconnected``."""
        self.showError(error)
        self._loss = self._label.text

    def showReconnected(self):
        """Replace the error that ended the connection, if nothing else was shown since."""
        if self._label.text == self._loss:
            self.show("{result} {news}", result=self._result, news=_("Connected again."))

    def forgetResult(self):
        """Something new has begun."""
        self._result = ""
