"""Which images they are, by the lists of one server: an id can be given to another one.

So do servers that number their images, when they are started again for the next patient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ... import codec
from ...net.client.listed_images import is_another_patient
from ...person_names import name_words

# A list may have been cut to its fields, and the next one, with metadata, may not be.
_FIELD_BYTES = 63

Entries = Callable[[str], codec.ImageMetaItem | None]


class ListedPatients:
    """Remembers what a list has said of some images."""

    def __init__(self) -> None:
        self._entries: dict[str, codec.ImageMetaItem] = {}
        # The patients (ID, name) of images that nothing else is known of than what a list says.
        self._in_scene: dict[str, tuple[str, str]] = {}

    def remember(self, image_ids: Iterable[str], entries: Entries) -> None:
        """Remember what a list says of these images; what it does not have, as it was before."""
        known = {image_id: entries(image_id) for image_id in image_ids}
        self._entries = {
            image_id: entry
            for image_id, now in known.items()
            if (entry := now or self._entries.get(image_id)) is not None
        }

    def remember_in_scene(self, image_id: str, patient_id: str, name: str) -> None:
        """Remember whose an image is that was in the scene already, before a list came or after.

        Or that what belongs to it was, of which nobody knows whose it is.
        """
        if image_id not in self._entries:
            known = self._in_scene.get(image_id, ("", ""))
            self._in_scene[image_id] = (patient_id, name) if patient_id or name else known

    def __bool__(self) -> bool:
        return bool(self._entries or self._in_scene)

    def others(self, entries: Entries) -> tuple[list[str], list[str]]:
        """Return the ids that another list gives to other images than before.

        First those of other patients, then those of the same ones.
        """
        of_others, of_same = [], []
        for image_id, before in self._entries.items():
            now = entries(image_id)
            if now is None or now == before:
                continue
            if _is_another_patient(before, now):
                of_others.append(image_id)
            elif _is_another_image(before, now):
                of_same.append(image_id)
        for image_id, patient in self._in_scene.items():
            now = entries(image_id)
            is_new = image_id not in of_others
            if is_new and now is not None and is_another_patient(*patient, now):
                of_others.append(image_id)
        for image_id in (*of_others, *of_same):
            self._entries.pop(image_id, None)
        for image_id in of_others:
            self._in_scene.pop(image_id, None)
        return of_others, of_same


def _is_another_patient(before: codec.ImageMetaItem, now: codec.ImageMetaItem) -> bool:
    """Whether two entries are of two patients; if they name none, of two images."""
    if before.patient_id and now.patient_id:
        return _cut(before.patient_id) != _cut(now.patient_id)
    if any((before.patient_id, before.patient_name, now.patient_id, now.patient_name)):
        return name_words(_cut(before.patient_name)) != name_words(_cut(now.patient_name))
    return before.name != now.name


def _is_another_image(before: codec.ImageMetaItem, now: codec.ImageMetaItem) -> bool:
    """Whether two entries are of two images of one patient, as far as they tell.

    A name alone may have been corrected, and servers write the time of the list as the scan time
    (the reference ImageDatabaseServer). Until an archive has fetched it, it lists no size.
    """
    if any(before.size) and any(now.size):
        form = tuple(before.size), before.scalar_type
        if form != (tuple(now.size), now.scalar_type):
            return True
    is_of_other_time = before.scan_time and now.scan_time and before.scan_time != now.scan_time
    return bool(is_of_other_time and before.name and now.name and before.name != now.name)


def _cut(text: str) -> str:
    return codec.cut_text(text.strip(), _FIELD_BYTES)
