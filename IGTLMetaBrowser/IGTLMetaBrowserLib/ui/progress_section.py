"""How far loading has come."""

from __future__ import annotations

from slicer.i18n import tr as _

from .timers import SingleShotTimer
from .widgets.elided_label import ElidedLabel

# Images that are loaded one after the other come sooner; then nothing is left of the bar.
_MILLISECONDS_OF_PLACE = 3000


class ProgressSection:
    """The bar for all images that are being loaded, and the figures below it; else nothing."""

    def __init__(self, ui, browser, localeTexts):
        self.ui = ui
        self._browser = browser
        self._localeTexts = localeTexts
        # Translated once: this is shown many times a second.
        self._images = _("Image {number} of {count}")
        self._region = _("Region of an image")
        self._bytes = _("{received} of {size}")
        self._preparing = _("the server is preparing it, {seconds}")
        self._rate = _("{rate}/s")
        self._timeLeft = _("{seconds} left")
        self._label = ElidedLabel(ui.progressLabel)
        self._placeTimer = SingleShotTimer(lambda: self._keepPlace(False))

    def close(self):
        """Do nothing later."""
        self._placeTimer.close()
        self._label.close()

    def update(self):
        """Show the transfer that is going on; nothing is shown without one."""
        transfer, isLoading = (
            self._browser.images.downloads.transfer,
            self._browser.images.is_loading,
        )
        # To hide it between two images would have the panel arranged twice, 20 ms each in Slicer.
        self.ui.progressWidget.visible = isLoading
        if isLoading:
            self._keepPlace(True)
            self._placeTimer.start(_MILLISECONDS_OF_PLACE)
        self.ui.cancelButton.enabled = isLoading
        ofRegion = self._browser.images.regions.fraction
        if transfer is not None:
            self._showFraction(_fraction(transfer))
            self._label.setText(self._figures(transfer))
        elif ofRegion is not None:
            self._showFraction(ofRegion)
            self._label.setText(self._region)

    def _keepPlace(self, isKept):
        """Whether the place of the bar stays free without it.

        Else all that is below it would move, and much be drawn, for each image.
        """
        if isKept or not self._browser.images.is_loading:
            policy = self.ui.progressWidget.sizePolicy
            if policy.retainSizeWhenHidden() != isKept:
                policy.setRetainSizeWhenHidden(isKept)
                self.ui.progressWidget.sizePolicy = policy

    def _showFraction(self, fraction):
        # QProgressBar repaints itself at once, and Slicer its whole window with it, for 20 ms; with
        # updates disabled it is repainted together with all else that has changed.
        bar = self.ui.progressBar
        bar.updatesEnabled = False
        bar.value = round(100 * fraction)
        bar.updatesEnabled = True

    def _figures(self, transfer):
        texts = self._localeTexts
        number, count = texts.number(transfer.done + 1), texts.number(transfer.total)
        figures = [self._images.format(number=number, count=count)]
        if transfer.seconds_preparing is not None and transfer.seconds_preparing >= 1:
            seconds = texts.duration(transfer.seconds_preparing)
            figures.append(self._preparing.format(seconds=seconds))
        elif transfer.size:
            received, size = texts.byteCount(transfer.received), texts.byteCount(transfer.size)
            figures.append(self._bytes.format(received=received, size=size))
        if transfer.bytes_per_second is not None:
            rate = texts.byteCount(transfer.bytes_per_second)
            figures.append(self._rate.format(rate=rate))
        if transfer.seconds_left is not None:
            seconds = texts.duration(transfer.seconds_left)
            figures.append(self._timeLeft.format(seconds=seconds))
        return ", ".join(figures)


def _fraction(transfer):
    """Return how much of the batch is done, each image counting as one."""
    ofThisImage = transfer.received / transfer.size if transfer.size else 0
    return min((transfer.done + ofThisImage) / max(transfer.total, 1), 1)
