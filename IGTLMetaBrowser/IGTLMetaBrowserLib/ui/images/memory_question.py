"""Asks whether images are to be loaded that need more memory than there is."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from ...browser.downloads.free_memory import free_memory
from ..plurals import Plural


class MemoryQuestion:
    """Asks once for all images of a choice. What is loaded already gets no more memory."""

    def __init__(self, browser, model, localeTexts):
        self._browser = browser
        self._model = model
        self._localeTexts = localeTexts
        self._need = Plural(
            localeTexts,
            _("This image needs {size} of memory."),
            _("These {count} images need {size} of memory."),
        )
        self._others = _("What is being loaded needs {size} more.")
        self._question = _(
            "This computer has {free} free. When memory runs out, Slicer can end, and what is not "
            "saved is lost. Load all the same?"
        )

    def agrees(self, positions):
        """Whether images at these positions in the list fit, or the user wants them anyway.

        What waits or is in transfer needs its memory, too; it is counted where that tells.
        """
        images, browsed = self._model.images, self._browser.images
        loaded = images.rows_of(browsed.loaded_ids())
        count, size = images.count_bytes(positions, loaded[loaded >= 0])
        free = free_memory()
        if free is None or not size:
            return True
        ids = images.ids_when_needed(positions)
        others = browsed.byte_count_under_way(ids) if size <= free else 0
        if size + others <= free:
            return True
        byteCount = self._localeTexts.byteCount
        texts = [
            self._need(count).format(size=byteCount(size)),
            *([self._others.format(size=byteCount(others))] if others else []),
            self._question.format(free=byteCount(free)),
        ]
        return bool(slicer.util.confirmOkCancelDisplay(" ".join(texts)))
