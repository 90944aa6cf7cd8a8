"""What is known of an image, and what of that may be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import uuid4

from ... import codec
from ...metadata.modules import TYPES, known_fields
from ...metadata.registry import MetadataProviders
from ...privacy.hidden_patients import HiddenPatients
from ..subject_hierarchy.hierarchy import PatientAndStudy

# A message may carry gigabytes of metadata; they would all be written into the scene's file.
_LONGEST_VALUE = 10_000


@dataclass(frozen=True)
class ImageDescription:
    """What is known of an image. All but its id are texts that can be shown.

    ``name`` is that of the node. ``fields`` are by DICOM keyword, an empty text if one is not
    known; ``metadata`` is what else the message said. ``is_region``: the node shows a part of the
    image, which must not be taken for the image. By its ``mark`` it is told from all others.
    """

    image_id: str
    name: str
    fields: Mapping[str, str]
    metadata: Mapping[str, str]
    is_region: bool = False
    mark: str = field(default_factory=lambda: uuid4().hex, compare=False)

    @classmethod
    def of(
        cls, image_id: str, registry: MetadataProviders, metadata: Mapping[str, str]
    ) -> ImageDescription:
        """Return the description of an image whose message had this metadata."""
        known: dict[str, str] = {}
        for type_ in TYPES:
            known |= known_fields(registry, type_, image_id)
        fields = {keyword: codec.printable(value) for keyword, value in known.items()}
        rest = {
            codec.printable(key): codec.printable(value)
            for key, value in metadata.items()
            if key and key not in fields and len(key) + len(value) <= _LONGEST_VALUE
        }
        name = fields["SeriesDescription"] or codec.printable(image_id) or "Image"
        return cls(image_id, name, fields, rest)

    def redacted(self, patients: HiddenPatients) -> ImageDescription:
        """Return what may be seen of it, and the id, see ``covered_ids``."""
        metadata = patients.redact_fields(self.metadata)
        return replace(
            self,
            name=patients.redact(self.name),
            fields=patients.redact_fields(self.fields),
            metadata={key: value for key, value in metadata.items() if value},
        )

    @property
    def patient(self) -> tuple[str, str]:
        """Whose image it is: ID and name, empty if they are not known."""
        return self.fields["PatientID"], self.fields["PatientName"]

    @property
    def texts(self) -> str:
        """All that it says, to look for patients who were not known before."""
        texts = (self.name, *self.fields.values(), *self.metadata, *self.metadata.values())
        return " ".join(texts)

    def of_region(self) -> ImageDescription:
        """Return the description of a part of the image."""
        return replace(self, name=f"{self.name} (region)", is_region=True)

    def place(self, patients: HiddenPatients) -> PatientAndStudy:
        """Return where its node may be seen to stand."""
        fields, shown = self.fields, patients.redact_fields(self.fields)
        name, patient_id = fields["PatientName"], fields["PatientID"]
        return PatientAndStudy(
            shown["PatientName"],
            shown["PatientID"],
            shown["StudyInstanceUID"],
            shown["StudyDescription"],
            patients.uid(name, patient_id) if patients.is_hidden else "",
        )
