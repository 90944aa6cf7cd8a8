"""What the metadata of a version-3 message says of its image."""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any

from ..bounded import BoundedCache
from ..modules import KEYWORD_KINDS, OTHER, read_module
from ..observable import ObservableProvider
from ..registry import NOTHING

MOST_CHARACTERS = 100_000
MOST_CHARACTERS_OF_ALL = 100_000_000
# What an image takes besides its characters.
_OVERHEAD = 500


class MessageMetadataProvider(ObservableProvider):
    """Knows the metadata that came with images; asked with an image's id.

    Keys that are DICOM keywords are fields of their modules, several values joined by a
    backslash; all other keys are in the module ``OTHER``. A message may carry gigabytes: what is
    remembered is of each image the first ``MOST_CHARACTERS``, and of all images the newest that
    have ``most_characters`` together.
    """

    name = "message metadata"

    def __init__(self, most_characters: int = MOST_CHARACTERS_OF_ALL) -> None:
        super().__init__()
        self._metadata: BoundedCache[str, Mapping[str, str]] = BoundedCache(most_characters, _weigh)

    def keep(self, image_id: str, metadata: Mapping[str, str]) -> None:
        """Remember the metadata of an image."""
        kept = _first_of(metadata)
        if kept == self._metadata.get(image_id):
            return
        for changed in (*self._metadata.keep(image_id, kept), image_id):
            self.notify_changed(changed)

    def forget(self, image_id: str) -> None:
        """Forget the metadata of an image, if it is known."""
        if self._metadata.forget(image_id):
            self.notify_changed(image_id)

    @property
    def ids(self) -> Set[str]:
        """The ids of the images whose metadata are known."""
        return {*self._metadata}

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return a module, if the metadata has any field of it."""
        metadata = self._metadata.get(image_id)
        if not metadata:
            return NOTHING
        if type_ == OTHER:
            other = {key: text for key, text in metadata.items() if key not in KEYWORD_KINDS}
            return MappingProxyType(other) if other else NOTHING
        return read_module(type_, metadata.get)


def _weigh(metadata: Mapping[str, str]) -> int:
    return _OVERHEAD + sum(len(key) + len(value) for key, value in metadata.items())


def _first_of(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the entries up to the one with which they become too long."""
    kept, characters = {}, 0
    for key, value in metadata.items():
        characters += len(key) + len(value)
        if characters > MOST_CHARACTERS:
            break
        kept[key] = value
    return kept
