"""Values of the details that a user types, over what everybody else says of an image."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...metadata.modules import DERIVED, IMAGE_PIXEL, IMAGE_PLANE, VOLUME_GEOMETRY
from ...metadata.providers.typed_values import TypedValuesProvider
from ...privacy.hidden_patients import is_identity
from .words import wordsOf

_OF_VOXELS = (IMAGE_PIXEL, IMAGE_PLANE, VOLUME_GEOMETRY, DERIVED)


class TypedValues:
    """Sets and removes the values of the image that ``imageId`` returns; None for no image.

    ``onChanged`` is called with the keyword of one that has changed.
    """

    def __init__(self, browser, statusLine, imageId, onChanged):
        self._browser = browser
        self._statusLine = statusLine
        self._imageId = imageId
        self._onChanged = onChanged

    def isEditable(self, row):
        """Whether the value of a ``DetailRow`` can be typed in.

        Not what this panel knows itself; not what the voxels are and where they lie, which would
        not be so in the volume; and not what tells who a hidden patient is.
        """
        if self._imageId() is None or row.module in _OF_VOXELS or not row.module:
            return False
        return not (self._browser.patients.is_hidden and is_identity(row.keyword))

    def isTyped(self, row):
        """Whether a value was typed in, and can be removed."""
        return row.provider == TypedValuesProvider.name

    def set(self, row, text):
        """Let a text be the value of a row; return whether it can be."""
        try:
            self._browser.metadata.set_value(self._imageId(), row.keyword, text)
        except ValueError as error:
            self._statusLine.show("{error}.", error=error)
            return False
        text = _("{attribute} keeps the value that you typed until Slicer exits.")
        self._statusLine.show(text, attribute=wordsOf(row.keyword))
        self._onChanged(row.keyword)
        return True

    def remove(self, row):
        """Let what others know count again."""
        self._browser.metadata.remove_value(self._imageId(), row.keyword)
        text = _("{attribute} has the value of its source again.")
        self._statusLine.show(text, attribute=wordsOf(row.keyword))
        self._onChanged(row.keyword)
