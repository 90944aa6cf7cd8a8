"""Values that the user typed, over what everybody else says."""

from __future__ import annotations

from collections.abc import Set
from types import MappingProxyType
from typing import Any

from ..modules import KEYWORD_KINDS, OTHER, read_module
from ..observable import ObservableProvider
from ..registry import NOTHING
from ..values import is_known, read_value


class TypedValuesProvider(ObservableProvider):
    """Knows what was typed in for an image; asked with an image's id."""

    name = "typed in"

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, dict[str, Any]] = {}

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
        self._values.setdefault(image_id, {})[keyword] = known
        self.notify_changed(image_id)

    def remove(self, image_id: str, keyword: str) -> None:
        """Let what others know count again."""
        values = self._values.get(image_id, {})
        if keyword in values:
            del values[keyword]
            self.notify_changed(image_id)

    def remove_all(self, image_id: str) -> None:
        """Forget all that was typed in for an image."""
        if self._values.pop(image_id, None):
            self.notify_changed(image_id)

    @property
    def ids(self) -> Set[str]:
        """The ids of the images of which something was typed in."""
        return {*self._values}

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return a module with what was typed in of it."""
        values = self._values.get(image_id)
        if not values:
            return NOTHING
        if type_ == OTHER:
            other = {key: value for key, value in values.items() if key not in KEYWORD_KINDS}
            return MappingProxyType(other) if other else NOTHING
        return read_module(type_, values.get)
