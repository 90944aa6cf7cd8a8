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
        self._question = _(
            "This computer has {free} free. When memory runs out, Slicer can end, and what is not "
            "saved is lost. Load all the same?"
        )

    def agrees(self, positions):
        """Whether images at these positions in the list fit, or the user wants them anyway."""
        images, free = self._model.images, free_memory()
        loaded = images.rows_of(self._browser.images.loaded_ids())
        count, size = images.count_bytes(positions, loaded[loaded >= 0])
        if free is None or size <= free:
            return True
        byteCount = self._localeTexts.byteCount
        need = self._need(count).format(size=byteCount(size))
        question = self._question.format(free=byteCount(free))
        return bool(slicer.util.confirmOkCancelDisplay(f"{need} {question}"))
