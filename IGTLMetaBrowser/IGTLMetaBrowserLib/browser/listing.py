"""The list of images as it came, and which of its entries an id means.

A list can have 100,000 entries: they stay the bytes that came, and an entry is made when somebody
asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

import numpy as np

from .. import codec

# By the number of the scalar type; one that OpenIGTLink does not define has an unknown size.
_VOXEL_SIZES = np.zeros(256, np.int64)
for _scalar_type in codec.ScalarType:
    _VOXEL_SIZES[_scalar_type] = _scalar_type.dtype.itemsize


class Listing:
    """One answer to GET_IMGMETA. ``listed_at`` is when it came, or None where none has come."""

    def __init__(
        self,
        message: codec.ImageMetaMessage | None = None,
        listed_at: datetime | None = None,
    ) -> None:
        if message is None:
            message = codec.ImageMetaMessage.unpack_content(memoryview(b""))
        self.entries: Sequence[codec.ImageMetaItem] = message.items
        self.listed_at = listed_at

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return the entry that an id means, the first of those that have it, or None."""
        row = self._row(image_id)
        return None if row is None else self.entries[row]

    def byte_count(self, image_id: str) -> int:
        """Return how many bytes an image has by this list, or 0 where it does not tell."""
        row = self._row(image_id)
        return 0 if row is None else int(self._byte_counts[row])

    def __contains__(self, image_id: str) -> bool:
        return self._row(image_id) is not None

    def _row(self, image_id: str) -> int | None:
        try:
            key = image_id.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return None
        place = np.searchsorted(self._sorted_ids, key)
        if place == len(self._ids) or self._sorted_ids[place] != key:
            return None
        return int(self._order[place])

    @cached_property
    def _ids(self) -> np.ndarray:
        """The ids as bytes, without what a server has left behind the NUL that ends them."""
        ids = np.ascontiguousarray(self.entries.records["id"])
        characters = ids.view(np.uint8).reshape(len(ids), ids.itemsize)
        is_text = np.logical_and.accumulate(characters != 0, axis=1)
        return np.where(is_text, characters, 0).astype(np.uint8).view(ids.dtype).reshape(-1)

    @cached_property
    def _byte_counts(self) -> np.ndarray:
        voxels = self.entries.records["size"].astype(np.int64).prod(axis=1)
        return voxels * _VOXEL_SIZES[self.entries.records["scalar_type"]]

    @cached_property
    def _order(self) -> np.ndarray:
        # Stable: of two images with one id the first comes first.
        return np.argsort(self._ids, kind="stable")

    @cached_property
    def _sorted_ids(self) -> np.ndarray:
        return self._ids[self._order]


class CurrentListing:
    """The last list of the server: an empty one at first, and after another was selected."""

    def __init__(self) -> None:
        self.listing = Listing()

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return the entry that an id means now, or None."""
        return self.listing.entry(image_id)
