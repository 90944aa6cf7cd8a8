"""What is known of the images: by server, with the user's calibrations; and what may be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import codec
from ..metadata.providers.calibration import CalibratedSpacing
from ..metadata.providers.standard import StandardProviders
from ..metadata.registry import MetadataProviders
from ..privacy.hidden_patients import HiddenPatients
from ..privacy.redacted_list import meet_patients
from ..privacy.redacted_log import cover_log, uncover_log


class ImageKnowledge:
    """What a browser knows of images, besides how far they are loaded.

    ``metadata`` are the providers that are asked; what a server said, and the calibrations of its
    images, are among them while the browser stands to that server. ``patients`` says whether the
    patients are hidden, and hides them.
    """

    entries: Sequence[codec.ImageMetaItem]
    _images: Any  # the ImageNodes

    def __init__(self) -> None:
        self.metadata = MetadataProviders()
        self.patients = HiddenPatients()
        self._known_of_servers: dict[str, StandardProviders] = {}
        self._known = StandardProviders(self.metadata, self.entry)

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return what the list says of an image, or None. Of doubled ids the first one counts."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        """Host and port of the server, or an empty text."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """Leave the server."""
        raise NotImplementedError

    def calibration(self, image_id: str) -> CalibratedSpacing | None:
        """Return the calibrated spacing of an image of this server, or None."""
        return self._known.calibration.calibration(image_id)

    def calibrate(self, image_id: str, spacing: Sequence[float]) -> None:
        """Say what the spacing of an image is: mm along i and j, or along i, j and k.

        It is that of the volume, too, now or when it is made; the first voxel stays where it is.
        Raises ``ValueError`` where these are not two or three positive numbers.
        """
        if len(spacing) not in (2, 3):
            raise ValueError(
                "a spacing has two numbers, mm along i and j, or three, along i, j and k; "
                f"there are {len(spacing)}"
            )
        along_i, along_j, *along_k = spacing
        along_k = along_k[0] if along_k else None
        self._known.calibration.calibrate(image_id, along_j, along_i, slice_spacing=along_k)
        self._images.calibrate(self.address, image_id, self.calibration(image_id))

    def remove_calibration(self, image_id: str) -> None:
        """Let an image have the spacing that it came with."""
        self._known.calibration.remove(image_id)
        self._images.calibrate(self.address, image_id, None)

    def hide_patients(self, is_hidden: bool) -> None:
        """Hide the patients from now on, or show them; what is in the scene changes as well."""
        if self.patients.is_hidden != is_hidden:
            self.patients.is_hidden = is_hidden
            self._note_list()
            self._images.patients_changed()
        if is_hidden:
            cover_log(self.patients)
        else:
            uncover_log(self.patients)

    def close(self) -> None:
        """Leave the server for good: nothing more is logged of it."""
        self.disconnect()
        uncover_log(self.patients)

    def _note_list(self) -> None:
        """Know what another list says."""
        self._known.list.entries_changed()
        if self.patients.is_hidden:
            meet_patients(self.entries, self.patients)

    def _turn_to_server(self, address: str) -> None:
        """Know what was known of the images of a server, and nothing of another one's."""
        self._known.remove_from_registry()
        if address not in self._known_of_servers:
            self._known_of_servers[address] = StandardProviders(self.metadata, self.entry)
        self._known = self._images.known = self._known_of_servers[address]
        self._known.add_to_registry()
        self._known.list.entries_changed()
