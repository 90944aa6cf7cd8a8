"""Values that the user typed, over what everybody else says."""

from __future__ import annotations

from typing import Any

from ..modules import KEYWORD_KINDS, read_values
from ..observable import ImageProvider
from ..registry import NOTHING
from ..values import is_known, read_value


class TypedValuesProvider(ImageProvider[dict[str, Any]]):
    """Knows what was typed in for an image."""

    name = "typed in"

    def set(self, image_id: str, keyword: str, value: Any) -> None:
        """Say what a DICOM keyword is for an image; any other keyword will do, too.

        ``value`` is a text as DICOM writes it (several values joined by a backslash), or already
        of the keyword's kind. Raises ``ValueError`` if it is not what the keyword needs.
        """
        kind = KEYWORD_KINDS.get(keyword, str)
        try:
            known = read_value(value, kind)
        except ValueError as error:
            raise ValueError(f"{value!r} cannot be the {keyword}: {error}") from None
        if not is_known(known):
            raise ValueError(f"{keyword} is empty; remove it, and what others know counts again")
        self._keep(image_id, {**self._values(image_id), keyword: known})

    def remove(self, image_id: str, keyword: str) -> None:
        """Let what others know count again."""
        values = self._values(image_id)
        if rest := {key: value for key, value in values.items() if key != keyword}:
            self._keep(image_id, rest)
        else:
            self.forget(image_id)

    def _values(self, image_id: str) -> dict[str, Any]:
        return self._kept.get(image_id) or {}

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return a module with what was typed in of it."""
        values = self._values(image_id)
        return read_values(type_, values) if values else NOTHING
