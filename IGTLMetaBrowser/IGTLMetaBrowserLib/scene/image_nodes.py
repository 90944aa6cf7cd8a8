"""Which volume shows which image, and what is written onto it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .. import codec
from ..metadata import modules
from ..metadata.message_metadata import MessageMetadataProvider
from ..metadata.providers import MetadataProviders
from .hierarchy import Place, put_in_place
from .node_references import NodeReferences
from .volumes import show_image

IMAGE_ID_ATTRIBUTE = "IGTLMetaBrowser.ImageId"
SCAN_TIME_ATTRIBUTE = "IGTLMetaBrowser.ScanTime"
"""ISO 8601, UTC."""
_MESSAGE_PREFIX = "OpenIGTLink."
# A message may carry gigabytes of metadata; they would all be written into the scene's file.
_LONGEST_VALUE = 10_000


class ImageNodes:
    """One node for each image of each server; an image that comes again comes into its node.

    ``coordinates`` overrules what images say of their matrix; None believes them.
    """

    def __init__(self, scene: Any, metadata: MetadataProviders) -> None:
        self._scene = scene
        self._metadata = metadata
        self._of_messages = MessageMetadataProvider()
        metadata.add_provider(self._of_messages, priority=10)
        self._nodes = NodeReferences(scene)
        self.coordinates: codec.Coordinates | None = None

    def node(self, address: str, image_id: str) -> Any:
        """Return the volume node of a server's image, or None where there is none (any more)."""
        return self._nodes.get((address, image_id))

    def show(
        self,
        address: str,
        image_id: str,
        image: codec.ImageMessage,
        scan_time: datetime | None = None,
    ) -> Any:
        """Show an image, and what is known of it, and return its volume node.

        Raises ``SceneError``.
        """
        self._of_messages.keep(image_id, image.metadata)
        series = modules.known_fields(self._metadata, modules.GENERAL_SERIES, image_id)
        name = codec.printable(series["SeriesDescription"] or image_id) or "Image"
        known = self.node(address, image_id)
        node = show_image(self._scene, image, name, series["Modality"], known, self.coordinates)
        self._nodes.keep((address, image_id), node)
        time_text = "" if scan_time is None else scan_time.isoformat(timespec="seconds")
        node.SetAttribute(SCAN_TIME_ATTRIBUTE, time_text or None)
        self._describe(node, image_id, image.metadata)
        return node

    def update(self, address: str, image_id: str, image: codec.ImageMessage) -> Any:
        """Show the next of many images of one id: voxels and geometry only.

        Raises ``SceneError``.
        """
        known = self.node(address, image_id)
        node = show_image(self._scene, image, known.GetName(), "", known, self.coordinates)
        self._nodes.keep((address, image_id), node)
        return node

    def _describe(self, node: Any, image_id: str, metadata: Mapping[str, str]) -> None:
        """Write what is known of an image onto its node, and put it under patient and study."""
        node.SetAttribute(IMAGE_ID_ATTRIBUTE, codec.printable(image_id))
        fields: dict[str, str] = {}
        for type_ in modules.TYPES:
            fields |= modules.known_fields(self._metadata, type_, image_id)
        known = {keyword: codec.printable(value) for keyword, value in fields.items()}
        for keyword, value in known.items():
            # None removes what another image has left under this id.
            node.SetAttribute(f"DICOM.{keyword}", value or None)
        _write_message_metadata(node, {k: v for k, v in metadata.items() if k not in fields})
        place = Place(
            known["PatientName"],
            known["PatientID"],
            known["StudyInstanceUID"],
            known["StudyDescription"],
        )
        put_in_place(self._scene, node, place)


def _write_message_metadata(node: Any, metadata: Mapping[str, str]) -> None:
    """Write metadata that is no field of a known module, under a prefix that is nobody else's."""
    for name in list(node.GetAttributeNames()):
        if name.startswith(_MESSAGE_PREFIX):
            node.RemoveAttribute(name)
    for key, value in metadata.items():
        if key and len(key) + len(value) <= _LONGEST_VALUE:
            node.SetAttribute(_MESSAGE_PREFIX + codec.printable(key), codec.printable(value))
