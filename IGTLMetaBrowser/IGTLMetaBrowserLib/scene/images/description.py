"""What is known of an image, written onto its volume node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from dataclasses import fields as fields_of
from typing import Any
from uuid import uuid4

from ... import codec
from ...metadata.modules import RECORDS, TYPES
from ...privacy.hidden_patients import HiddenPatients, is_pseudonym
from ..covered_ids import covered_id
from ..covered_texts import cover, covered
from ..hierarchy import Place, change_place, put_in_place
from ..node_names import given_name, is_users_name, savable_name, set_name, users_name
from ..patient_marks import NOT_KNOWN, PATIENT_ATTRIBUTE, Patient, mark, marked_patient
from ..server_nodes import IMAGE_ID_ATTRIBUTE, REGION_OF_ATTRIBUTE, read_id, written_id
from .sequence_nodes import BASE_NAME_ATTRIBUTE

_DICOM_PREFIX = "DICOM."
_MESSAGE_PREFIX = "OpenIGTLink."
# A message may carry gigabytes of metadata; they would all be written into the scene's file.
_LONGEST_VALUE = 10_000
COVERED_ATTRIBUTE = "IGTLMetaBrowser.Covered"
"""While patients are hidden, all that the node said, see ``covered_texts``."""


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
        cls, image_id: str, fields: Mapping[str, str], metadata: Mapping[str, str]
    ) -> ImageDescription:
        """Return the description of an image whose message had this metadata."""
        fields = {keyword: codec.printable(value) for keyword, value in fields.items()}
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

    def is_written_on(self, node: Any) -> bool:
        """Whether a node says just that of the patient, and of the image."""
        texts = {_DICOM_PREFIX + keyword: value for keyword, value in self.fields.items()}
        return all((node.GetAttribute(name) or "") == text for name, text in texts.items())

    def of_region(self) -> ImageDescription:
        """Return the description of a part of the image."""
        return replace(self, name=f"{self.name} (region)", is_region=True)

    def place(self, patients: HiddenPatients) -> Place:
        """Return where its node may be seen to stand."""
        fields, shown = self.fields, patients.redact_fields(self.fields)
        name, patient_id = fields["PatientName"], fields["PatientID"]
        return Place(
            shown["PatientName"],
            shown["PatientID"],
            shown["StudyInstanceUID"],
            shown["StudyDescription"],
            patients.uid(name, patient_id) if patients.is_hidden else "",
        )


def write_description(
    scene: Any,
    node: Any,
    description: ImageDescription,
    patients: HiddenPatients,
    is_live: bool = False,
) -> None:
    """Write what may be seen onto an image's node, its id, and put it under patient and study."""
    id_attribute = REGION_OF_ATTRIBUTE if description.is_region else IMAGE_ID_ATTRIBUTE
    node.SetAttribute(id_attribute, covered_id(written_id(description.image_id), patients))
    write_attributes(node, description, patients, is_live)
    # Not DICOM.instanceUIDs: Slicer would look for the files in its database.
    put_in_place(scene, node, description.place(patients))


def write_attributes(
    node: Any, description: ImageDescription, patients: HiddenPatients, is_live: bool = False
) -> None:
    """Write what may be seen onto a node, wherever it stands, but for the id.

    And, while patients are hidden, all that it says, as of a copy nobody else may know that; not
    of images that are ``is_live``, which may say something else 30 times a second.
    """
    shown = description.redacted(patients)
    for keyword, value in shown.fields.items():
        # None removes what another image has left under this id.
        node.SetAttribute(_DICOM_PREFIX + keyword, value or None)
    for name in list(node.GetAttributeNames()):
        if name.startswith(_MESSAGE_PREFIX):
            node.RemoveAttribute(name)
    for key, value in shown.metadata.items():
        node.SetAttribute(_MESSAGE_PREFIX + key, value)
    if node.GetAttribute(BASE_NAME_ATTRIBUTE) is not None:
        node.SetAttribute(BASE_NAME_ATTRIBUTE, savable_name(shown.name))
    node.RemoveAttribute(PATIENT_ATTRIBUTE)
    node.RemoveAttribute(COVERED_ATTRIBUTE)
    if patients.is_hidden:
        mark(node, description.patient, patients)
        if not is_live and description != shown:
            cover_description(node, description, patients)


def read_description(node: Any) -> ImageDescription | None:
    """Return what a node says of its image; None if its patient is hidden in it."""
    texts = {name: node.GetAttribute(name) or "" for name in node.GetAttributeNames()}
    patient_id, name = (texts.get(_DICOM_PREFIX + one, "") for one in ("PatientID", "PatientName"))
    # Nobody has a pseudonym and an ID: of who is hidden, that is not there.
    if marked_patient(node) != NOT_KNOWN or (is_pseudonym(name) and not patient_id):
        return None
    keywords = (one.name for type_ in TYPES for one in fields_of(RECORDS[type_]))
    known = {keyword: texts.get(_DICOM_PREFIX + keyword, "") for keyword in keywords}
    rest = {
        name.removeprefix(_MESSAGE_PREFIX): text
        for name, text in texts.items()
        if name.startswith(_MESSAGE_PREFIX)
    }
    image_id = read_id(node.GetAttribute(IMAGE_ID_ATTRIBUTE))
    return ImageDescription(image_id, given_name(node), known, rest)


def cover_description(node: Any, description: ImageDescription, patients: HiddenPatients) -> None:
    """Write onto a node what it said, so that nobody but ``covered_description`` can read it."""
    said = (
        description.image_id,
        description.name,
        *map(dict, (description.fields, description.metadata)),
    )
    cover(node, COVERED_ATTRIBUTE, said, patients)


def covered_description(node: Any, patients: HiddenPatients) -> ImageDescription | None:
    """Return what a node said when its patient was hidden by these; None if it was not."""
    said = covered(node, COVERED_ATTRIBUTE, patients)
    return None if said is None else ImageDescription(*said)


def cover_more(node: Any, patients: HiddenPatients, shown: str) -> None:
    """Cover who else is named by a node that others have covered, and call it as is ``shown``.

    What it said is written again by these, if they are there.
    """
    for name in node.GetAttributeNames():
        if name.startswith((_DICOM_PREFIX, _MESSAGE_PREFIX)) or name == BASE_NAME_ATTRIBUTE:
            node.SetAttribute(name, patients.redact(node.GetAttribute(name)))
    set_name(node, patients.redact(given_name(node)), shown)


def patient_of(node: Any) -> Patient:
    """Return ID and name of the patient whose image a node shows, as far as it says that.

    Of one who is hidden, what the mark says that this process has written.
    """
    marked = marked_patient(node)
    if marked is None or any(marked):
        return marked or NOT_KNOWN
    patient_id, name = (
        node.GetAttribute(_DICOM_PREFIX + keyword) or "" for keyword in ("PatientID", "PatientName")
    )
    return patient_id, "" if is_pseudonym(name) else name


def rewrite_description(
    scene: Any, node: Any, description: ImageDescription, patients: HiddenPatients
) -> None:
    """Write it anew if patients have been hidden, or are no longer; the user's name stays.

    The id is written by ``rewrite_patients``: a node that has none is the user's now.
    """
    change_place(scene, description.place(patients.opposite()), description.place(patients))
    shown = users_name(node, patients) if is_users_name(node) else None
    set_name(node, description.redacted(patients).name, shown)
    write_attributes(node, description, patients)
    put_in_place(scene, node, description.place(patients))


def rewrite_nodes(
    scene: Any,
    node: Any,
    frame: Any,
    volume: Any,
    description: ImageDescription,
    patients: HiddenPatients,
) -> None:
    """Write it anew onto the node of an image, and onto the frame that it is, if there are any.

    ``volume`` is what shows that frame now, if anything does.
    """
    if node is not None:
        rewrite_description(scene, node, description, patients)
    if frame is not None:
        _rewrite_frame(scene, frame, volume, description, patients)


def _rewrite_frame(
    scene: Any,
    frame: Any,
    volume: Any,
    description: ImageDescription,
    patients: HiddenPatients,
) -> None:
    change_place(scene, description.place(patients.opposite()), description.place(patients))
    set_name(frame, description.redacted(patients).name)
    write_attributes(frame, description, patients)
    if volume is not None:
        _copy_attributes(frame, volume)  # but for the name: that of the series


def _copy_attributes(source: Any, node: Any) -> None:
    for name in set(node.GetAttributeNames()) - set(source.GetAttributeNames()):
        node.RemoveAttribute(name)
    for name in source.GetAttributeNames():
        node.SetAttribute(name, source.GetAttribute(name))
