"""What belongs to the images of a server, as it may go over to no other patient's image.

A server that is started again may give an ID to another patient's image, and a scene can have been
saved with a plan and without its image: what a node says of its patient is compared with the list,
and with what comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from .. import codec
from ..codec import printable
from ..net.client.listed_images import is_another_patient
from ..privacy.hidden_patients import HiddenPatients
from ..scene.hidden_patients.covered_ids import cover_ids
from ..scene.hidden_patients.patient_marks import (
    NOT_KNOWN,
    Patient,
    mark,
    marked_patient,
    release_unknown,
)
from ..scene.server_nodes.copied_nodes import CopiedNodes
from .errors import BrowserError
from .events import Failed, Observer
from .images.image_metadata import ImageMetadata
from .images.scene_images import SceneImages
from .overlays import Overlays
from .trajectories import Trajectories

_MOST_NAMED = 3


class OwnedNodes:
    """The trajectories, points, label maps and segmentations of the server's images.

    What belongs to another patient than its image does now is let go: it stays where it is, is the
    user's own, and ``tell`` says so.
    """

    def __init__(
        self,
        metadata: ImageMetadata,
        in_scene: SceneImages,
        trajectories: Trajectories,
        overlays: Overlays,
        copied_nodes: CopiedNodes,
        patients: HiddenPatients,
        notify: Observer,
    ) -> None:
        self._metadata = metadata
        self._copied_nodes = copied_nodes
        self._in_scene = in_scene
        self._parts = trajectories, overlays
        self._patients = patients
        self._notify = notify
        # Names of nodes that were let go since the user was told, by the ids of their images.
        self._released: dict[str, list[str]] = {}
        self._unknown: list[str] = []
        self._copies: list[str] = []
        self._relisted: list[str] = []
        in_scene.released.connect(lambda name: self._relisted.append(name))
        self._phrase_total = 0

    def release_unknown(self, scene: Any, server: str) -> None:
        """Let go of the images of a server of which another session has hidden the patient."""
        self._unknown += release_unknown(scene, server)

    def note_copies(self, names: Iterable[str]) -> None:
        """Have the user told which nodes have come a second time, with a scene."""
        self._copies += names

    def on_adopted(self) -> None:
        """Compare what was found in the scene with the list; plans that come wait for that."""
        for image_id in {id_ for id_, node in self._nodes() if marked_patient(node) != NOT_KNOWN}:
            self._metadata.remember_in_scene(image_id, *NOT_KNOWN)
        self.on_list()

    def on_list(self) -> None:
        """Let go of what belongs to other patients than the list says now."""
        if self._metadata.listing.listed_at is not None:
            self._compare(self._nodes(), is_shown=False)
        if self._phrase_total != self._patients.phrase_total:
            self._phrase_total = self._patients.phrase_total
            self._cover(self._nodes())

    def on_image_shown(self, image_id: str) -> None:
        """Let go of what belongs to another patient than the image that has come."""
        nodes = [one for one in self._nodes() if one[0] == image_id]
        self._compare(nodes, is_shown=True)
        self._cover(nodes)

    def on_patient_changed(self, image_id: str) -> None:
        """Let go of all that belongs to an image: its id is, or may be, another patient's now."""
        self._release(image_id, None)

    def tell(self) -> bool:
        """Tell the user what was let go since the last time; return whether there was something."""
        texts = []
        if self._released:
            names = [name for some in self._released.values() for name in some]
            texts.append(_words(list(self._released), names))
        if self._unknown:
            texts.append(_words_of_unknown(self._unknown))
        if self._copies:
            texts.append(_words_of_copies(self._copies))
        if self._relisted:
            texts.append(_words_of_relisted(self._relisted))
        self._released, self._unknown, self._copies, self._relisted = {}, [], [], []
        for text in texts:
            self._notify(Failed(BrowserError(self._patients.redact(text))))
        return bool(texts)

    def _nodes(self) -> Iterator[tuple[str, Any]]:
        for part in self._parts:
            yield from part.owned_nodes()

    def _compare(self, nodes: Iterable[tuple[str, Any]], is_shown: bool) -> None:
        """Let go of what is of others than its image, and write onto the rest whose it is."""
        known: dict[str, Patient] = {}
        others: dict[str, set[Any]] = {}
        for image_id, node in nodes:
            if image_id not in known:
                known[image_id] = self._metadata.patient(image_id)
            before, now = marked_patient(node), known[image_id]
            # Of one that nobody knows, it cannot be told; beside its own image it may stay.
            is_lost = before is None and (is_shown or not self._in_scene.has(image_id))
            if is_lost or (before is not None and _is_another(before, now)):
                others.setdefault(image_id, set()).add(node)
            elif before is not None and (now[0] or not before[0]):
                mark(node, now, self._patients)
        for image_id, of_others in others.items():
            self._release(image_id, of_others)

    def _cover(self, nodes: Iterable[tuple[str, Any]]) -> None:
        """Cover what the nodes say of patients who were not known before, if they are hidden."""
        for _, node in nodes:
            cover_ids(node, self._patients)

    def _release(self, image_id: str, nodes: Collection[Any] | None) -> None:
        self._copied_nodes.look()
        released = [node for part in self._parts for node in part.disown(image_id, nodes)]
        if released:
            self._copied_nodes.on_let_go(released)
            names = self._released.setdefault(image_id, [])
            names += [node.GetName() for node in released]


def _is_another(patient: Patient, now: Patient) -> bool:
    return is_another_patient(*patient, codec.ImageMetaItem(patient_id=now[0], patient_name=now[1]))


def _words(ids: list[str], names: list[str]) -> str:
    images = _some([repr(printable(image_id)) for image_id in ids])
    whose, it = (f"s {images} are", "them") if len(ids) > 1 else (f" {images} is", "it")
    return (
        f"the image{whose} another patient's now, or may be: what belonged to {it} "
        f"({_some(names)}) stays where it is, is hidden where its own image is not there, and is "
        "yours: the server does not change it any more"
    )


def _words_of_unknown(names: list[str]) -> str:
    return (
        "patients were hidden when the scene was saved, so nobody knows whose images "
        f"{_some(names)} are: they are yours, and the server does not change them; load what it "
        "has anew"
    )


def _words_of_copies(names: list[str]) -> str:
    return (
        f"the scene has brought {_some(names)} a second time: these copies are yours, and the "
        "server changes only what was there before; remove them if you do not need them"
    )


def _words_of_relisted(names: list[str]) -> str:
    return (
        "the server lists something else under the ID of an image or a label map: "
        f"{_some(names)} of before stays where it is, and is yours; remove it if you do not need it"
    )


def _some(texts: list[str]) -> str:
    more = len(texts) - _MOST_NAMED
    return ", ".join(texts[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
