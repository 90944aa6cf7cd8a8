"""What the metadata of a version-3 message says of its image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..modules import read_values
from ..observable import ImageProvider
from ..registry import NOTHING

MOST_CHARACTERS = 100_000
MOST_CHARACTERS_OF_ALL = 100_000_000
# What an image takes besides its characters.
_OVERHEAD = 500


class MessageMetadataProvider(ImageProvider[Mapping[str, str]]):
    """Knows the metadata that came with images.

    Keys that are DICOM keywords are fields of their modules, several values joined by a
    backslash; all other keys are in the module ``OTHER``. A message may carry gigabytes: what is
    remembered is of each image the first ``MOST_CHARACTERS``, and of all images the newest that
    have ``most_characters`` together.
    """

    name = "message metadata"

    def __init__(self, most_characters: int = MOST_CHARACTERS_OF_ALL) -> None:
        super().__init__(most_characters, _weigh)

    def keep(self, image_id: str, metadata: Mapping[str, str]) -> None:
        """Remember the metadata of an image."""
        self._keep(image_id, _first_of(metadata))

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return a module, if the metadata has any field of it."""
        metadata = self._kept.get(image_id)
        return read_values(type_, metadata) if metadata else NOTHING


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
