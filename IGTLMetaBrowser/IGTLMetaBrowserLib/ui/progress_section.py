"""How far loading has come."""

from __future__ import annotations

from slicer.i18n import tr as _


class ProgressSection:
    """The bar for all images that are being loaded, and the figures below it."""

    def __init__(self, ui, browser, localeTexts):
        self.ui = ui
        self._browser = browser
        self._localeTexts = localeTexts

    def update(self):
        """Show the transfer that is going on, or that there is none."""
        transfer = self._browser.images.transfer
        isLoading = transfer is not None
        for widget in (self.ui.progressBar, self.ui.cancelButton):
            widget.enabled = isLoading
        self.ui.progressBar.textVisible = isLoading
        self.ui.progressBar.value = round(100 * _fraction(transfer)) if isLoading else 0
        self.ui.progressLabel.text = self._figures(transfer) if isLoading else ""
        self.ui.progressLabel.visible = isLoading

    def _figures(self, transfer):
        texts = self._localeTexts
        figures = [
            _("Image {number} of {count}").format(
                number=texts.number(transfer.done + 1), count=texts.number(transfer.total)
            )
        ]
        if transfer.size:
            figures.append(
                _("{received} of {size}").format(
                    received=texts.byteCount(transfer.received), size=texts.byteCount(transfer.size)
                )
            )
        if transfer.bytes_per_second is not None:
            rate = texts.byteCount(transfer.bytes_per_second)
            figures.append(_("{rate}/s").format(rate=rate))
        if transfer.seconds_left is not None:
            seconds = texts.duration(transfer.seconds_left)
            figures.append(_("{seconds} left").format(seconds=seconds))
        return ", ".join(figures)


def _fraction(transfer):
    """Return how much of the batch is done, each image counting as one."""
    ofThisImage = transfer.received / transfer.size if transfer.size else 0
    return min((transfer.done + ofThisImage) / max(transfer.total, 1), 1)
