"""The volumes of all servers, and the patients who are hidden in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...metadata.providers.standard import StandardProviders
from ...privacy.hidden_patients import HiddenPatients
from ..hidden_patients.covered_ids import rewrite_patients
from .describer import Describer
from .description import ImageDescription
from .image_set import ImageSet
from .patients_elsewhere import PatientsElsewhere


class ImageNodes:
    """The images of each server by its address; ``known`` are the providers of a new one."""

    def __init__(self, scene: Any, known: StandardProviders, patients: HiddenPatients) -> None:
        self._scene = scene
        self._known = known
        self._patients = patients
        self._sets: dict[str, ImageSet] = {}
        self._describer = Describer(self._nodes_of_descriptions)
        self._elsewhere = PatientsElsewhere(scene, patients, self._describer)

    def of(self, address: str) -> ImageSet:
        """Return those of a server, none so far if it is first asked for."""
        if address not in self._sets:
            self._sets[address] = ImageSet(
                self._scene, address, self._known, self._patients, self.patients_changed
            )
        return self._sets[address]

    def owner(self, address: str, image_id: str) -> Any:
        """Return the node of a server's image that markups and labels name, see ``ImageSet``."""
        return self.of(address).owner(image_id)

    def forget_prepared(self) -> None:
        """Let go of what was prepared, of whatever server."""
        for images in self._sets.values():
            images.forget_prepared()

    def patients_changed(self, is_all: bool = True) -> None:
        """Write descriptions anew, as patients were hidden or shown, or more of them are known."""
        self._elsewhere.register_patients()
        rewrite_patients(self._scene, self._patients)
        for images in [*self._sets.values()]:
            images.rewrite_descriptions(is_all)
        self._elsewhere.patients_changed()
        self._patients.forget_news()

    def hide_more(self, is_all: bool = False) -> None:
        """If patients are hidden, hide those who were not known before, or ``is_all`` of them."""
        if self._patients.is_hidden and (is_all or self._patients.has_news):
            self.patients_changed(is_all)

    def close(self) -> None:
        """Leave the volumes to other browsers: what they say is theirs to hide."""
        self._describer.close()

    def _nodes_of_descriptions(self) -> Iterator[tuple[Any, ImageDescription]]:
        for images in self._sets.values():
            yield from images.nodes_of_descriptions()
