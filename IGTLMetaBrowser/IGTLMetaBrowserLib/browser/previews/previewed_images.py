"""What thumbnails and slices of images have in common: whose they are, and when to ask for them."""

from __future__ import annotations

from dataclasses import dataclass

from ... import codec
from ...codec.slice_stack import SliceStack
from ...privacy.hidden_patients import HiddenPatients
from ..connection import ServerConnection
from ..events import Observer, Previewing
from ..images.image_metadata import ImageMetadata
from ..server_images import ServerImages
from .thumbnail_files import thumbnail_key


@dataclass(frozen=True)
class PreviewedImages:
    """The images of the server of ``connection``, as its last list has them.

    While patients are hidden there are no previews: names can be written into the pixels.
    """

    connection: ServerConnection
    metadata: ImageMetadata
    patients: HiddenPatients
    images: ServerImages
    notify: Observer

    @property
    def are_hidden(self) -> bool:
        """Whether nobody may see them."""
        return self.patients.is_hidden

    @property
    def can_be_asked_for(self) -> bool:
        """Whether there is a connection, and nothing more important to fetch: images come first.

        Over another connection than that of the list, they may be those of another patient.
        """
        is_connected = self.connection.is_connected
        return is_connected and self.images.list_requests.is_current and not self.images.is_loading

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return what the list says of an image; None also if it has several with this id.

        Nobody knows which of these the server would show.
        """
        entries = self.metadata.listing.entries_of(image_id)
        return entries[0] if len(entries) == 1 else None

    def key(self, image_id: str) -> str | None:
        """Return what tells an image from all others, those of other lists too; None if unknown."""
        entry = self.entry(image_id)
        return None if entry is None else thumbnail_key(self.connection.address, entry)

    def slices_of_volume(self, image_id: str) -> SliceStack | None:
        """Return the slices of the volume of a loaded image, or None."""
        return self.images.slices(image_id)

    def notify_of_wish(self) -> None:
        """Notify that there may be something to ask the server for."""
        if self.connection.is_connected and not self.images.list_requests.is_current:
            self.images.list_requests.confirm()
        if self.connection.has_server:
            self.notify(Previewing())
