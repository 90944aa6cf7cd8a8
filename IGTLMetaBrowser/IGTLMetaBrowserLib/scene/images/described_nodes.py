"""What nodes say of their image: written onto them, read, covered, and written again.

While patients are hidden, a node says what may be seen, and has beside it all that it said, see
``covered_texts``: whoever saves, copies or stores it in a scene view, keeps that with it.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields as fields_of
from typing import Any

from ...metadata.modules import RECORDS, TYPES
from ...privacy.hidden_patients import HiddenPatients, is_pseudonym
from ..hidden_patients.covered_ids import covered_id
from ..hidden_patients.covered_texts import cover, covered
from ..hidden_patients.patient_marks import (
    NOT_KNOWN,
    PATIENT_ATTRIBUTE,
    mark,
    marked_patient,
)
from ..nodes.node_names import (
    given_name,
    is_users_name,
    name_when_shown,
    savable_name,
    set_name,
    users_name,
)
from ..nodes.nodes_by_class import is_replaying
from ..nodes.unnoticed import unnoticed
from ..server_nodes.attributes import IMAGE_ID_ATTRIBUTE, REGION_OF_ATTRIBUTE, read_id, written_id
from ..subject_hierarchy.hierarchy import change_place, put_in_place
from .description import ImageDescription
from .sequence_nodes import BASE_NAME_ATTRIBUTE

_DICOM_PREFIX = "DICOM."
_MESSAGE_PREFIX = "OpenIGTLink."
COVERED_ATTRIBUTE = "IGTLMetaBrowser.Covered"
"""While patients are hidden, all that the node said, see ``covered_texts``."""


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


def is_written_on(node: Any, description: ImageDescription) -> bool:
    """Whether a node says just that of the patient, and of the image."""
    texts = {_DICOM_PREFIX + keyword: value for keyword, value in description.fields.items()}
    return all((node.GetAttribute(name) or "") == text for name, text in texts.items())


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


def rewrite_description(
    scene: Any, node: Any, description: ImageDescription, patients: HiddenPatients
) -> None:
    """Write it anew as patients have been hidden, or are no longer; the user's name stays.

    The node may be of the scene, or a frame, or in a scene view. Its id is written by
    ``rewrite_patients``: a node that has none is the user's now.
    """
    change_place(scene, description.place(patients.opposite()), description.place(patients))
    name, base_name = node.GetName(), node.GetAttribute(BASE_NAME_ATTRIBUTE)
    shown = _shown_name(node, patients, description.name)
    with _noticed(scene, node):
        set_name(node, description.redacted(patients).name, shown)
        write_attributes(node, description, patients)
        if shown is not None and base_name == name:
            node.SetAttribute(BASE_NAME_ATTRIBUTE, shown)
    if _is_image(scene, node):
        put_in_place(scene, node, description.place(patients))


def rewrite_name(scene: Any, node: Any, patients: HiddenPatients) -> None:
    """Cover what the user calls a node that says of nobody, or call it so again."""
    if (shown := _shown_name(node, patients)) is not None:
        with _noticed(scene, node):
            node.SetName(shown)


def cover_more(scene: Any, node: Any, patients: HiddenPatients) -> None:
    """Cover who else is named by a node that others have covered.

    What it said is written again by these, if they are there.
    """
    rewrite_name(scene, node, patients)
    name = node.GetName() if _is_player(node) else patients.redact(node.GetName())
    with _noticed(scene, node):
        for attribute in node.GetAttributeNames():
            is_text = attribute.startswith((_DICOM_PREFIX, _MESSAGE_PREFIX))
            if is_text or attribute == BASE_NAME_ATTRIBUTE:
                node.SetAttribute(attribute, patients.redact(node.GetAttribute(attribute)))
        set_name(node, patients.redact(given_name(node)), name)


def names_of(
    node: Any, image_id: str, description: ImageDescription | None, patients: HiddenPatients
) -> tuple[str, str]:
    """Return how an image, of which there may be no node, is called now, and by its patient."""
    given = image_id if description is None else description.name
    if node is None:
        return patients.redact(given), given
    return node.GetName(), name_when_shown(node, patients, given)


def rewrite_nodes(
    scene: Any,
    node: Any,
    frame: Any,
    player: Any,
    description: ImageDescription,
    patients: HiddenPatients,
) -> None:
    """Write it anew onto the node of an image, and onto the frame that it is, if there are any.

    ``player`` is what shows that frame now, if anything does: it says the same, but for the name,
    which is that of the series.
    """
    for one in filter(None, (node, frame)):
        rewrite_description(scene, one, description, patients)
    if frame is not None and player is not None:
        for name in {*player.GetAttributeNames()} - {*frame.GetAttributeNames()}:
            player.RemoveAttribute(name)
        for name in frame.GetAttributeNames():
            player.SetAttribute(name, frame.GetAttribute(name))


def _shown_name(node: Any, patients: HiddenPatients, given: str = "") -> str | None:
    """Return how a node may be called that is not called as its server does, or else None."""
    if _is_player(node):
        return node.GetName()  # as its sequence, see ``sequence_names``
    return users_name(node, patients, given) if is_users_name(node) else None


def _is_player(node: Any) -> bool:
    """Whether a node shows the frames of a sequence."""
    return node.GetScene() is not None and is_replaying(node.GetScene(), node)


def _is_image(scene: Any, node: Any) -> bool:
    """Whether a node is that of an image, and no frame, nor what shows frames, nor a copy."""
    return node.GetScene() is scene and not _is_player(node)


def _noticed(scene: Any, node: Any) -> Any:
    """Have changes noticed; but told that a frame has changed, Slicer would copy its voxels."""
    return nullcontext() if _is_image(scene, node) else unnoticed(node)
