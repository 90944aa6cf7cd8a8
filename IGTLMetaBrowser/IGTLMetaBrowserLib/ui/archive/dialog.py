"""Which archive (PACS) to browse: its address, and who the user is there."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from . import address as archive_address


class ArchiveDialog:
    """Asks, and calls ``onChosen`` with an ``ArchiveAddress``. Nothing waits for the dialog.

    The secret is forgotten when the dialog is closed.
    """

    def __init__(self, parent, onChosen):
        self._onChosen = onChosen
        self.dialog = qt.QDialog(parent)
        self.dialog.windowTitle = _("Archive (PACS)")
        self.addressBox = qt.QComboBox()
        self.addressBox.editable = True
        self.addressBox.minimumWidth = 330
        self.userLineEdit = qt.QLineEdit()
        self.secretLineEdit = qt.QLineEdit()
        self.secretLineEdit.echoMode = qt.QLineEdit.Password
        self.aetLineEdit = qt.QLineEdit()
        self.aetLineEdit.maxLength = 16
        self.authorityLineEdit = qt.QLineEdit()
        self.problemLabel = qt.QLabel()
        # The words of an archive, which can be a page of HTML.
        self.problemLabel.textFormat = qt.Qt.PlainText
        self.problemLabel.wordWrap = True
        self.problemLabel.styleSheet = "color: red"
        self.buttons = qt.QDialogButtonBox()
        self.connectButton = self.buttons.addButton(_("Connect"), qt.QDialogButtonBox.AcceptRole)
        self.buttons.addButton(_("Cancel"), qt.QDialogButtonBox.RejectRole)
        self._addToolTips()
        self._addRows()
        self.buttons.accepted.connect(self._onAccepted)
        self.buttons.rejected.connect(self.dialog.reject)
        self.dialog.finished.connect(self._onFinished)

    def open(self):
        """Show it, with what is kept of the last time."""
        self.addressBox.clear()
        self.addressBox.addItems(archive_address.keptTexts())
        self.userLineEdit.text = archive_address.keptUser()
        self.aetLineEdit.text = archive_address.keptAet()
        self._showProblem("")
        self.dialog.open()
        self.addressBox.setFocus()

    def close(self):
        """Let go of the dialog."""
        self.dialog.hide()
        self.dialog.deleteLater()

    def _addToolTips(self):
        self.addressBox.lineEdit().placeholderText = _("https://pacs/dicom-web or AET@HOST:PORT")
        self.addressBox.toolTip = _("DICOMweb URL of the archive, or its DIMSE address")
        self.secretLineEdit.toolTip = _("Only for this connection: it is not kept")
        self.aetLineEdit.toolTip = _("How the archive knows this computer; for AET@HOST:PORT only")
        self.authorityLineEdit.toolTip = _("A PEM file, if the archive's certificate needs one")

    def _addRows(self):
        layout = qt.QFormLayout(self.dialog)
        rows = (
            (_("Archive:"), self.addressBox),
            (_("User name:"), self.userLineEdit),
            (_("Password, or token:"), self.secretLineEdit),
            (_("Own AE title:"), self.aetLineEdit),
            (_("Certificate authority:"), self.authorityLineEdit),
        )
        for text, widget in rows:
            layout.addRow(text, widget)
        layout.addRow(self.problemLabel)
        layout.addRow(self.buttons)

    def _onAccepted(self):
        try:
            archive = archive_address.readAddress(
                self.addressBox.currentText,
                self.userLineEdit.text,
                self.secretLineEdit.text,
                aet=self.aetLineEdit.text.strip(),
                authority=self.authorityLineEdit.text.strip(),
            )
        except ValueError as error:
            self._showProblem(f"{error}.")
            return
        archive_address.keep(archive)
        self.dialog.accept()
        self._onChosen(archive)

    def _onFinished(self, _result):
        self.secretLineEdit.clear()

    def _showProblem(self, text):
        self.problemLabel.text = text
        self.problemLabel.visible = text != ""
