"""What is known of the images of a server, with the user's calibrations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

from ... import codec
from ...metadata.modules import INSTANCE_DATA, PATIENT, SERIES_DATA, STUDY_DATA
from ...metadata.providers.calibration import CalibratedSpacing
from ...metadata.providers.standard import StandardProviders
from ...metadata.registry import NOTHING, MetadataProviders
from ...metadata.values import as_text
from ...net.client.listed_images import is_id_of_another_patient
from ...privacy.hidden_patients import HiddenPatients, is_identity
from ...privacy.redacted_list import register_patients, register_some_patients
from ...scene.hidden_patients.covered_ids import cover_ids
from ...scene.hidden_patients.patient_marks import NOT_KNOWN, Patient, mark
from ...signal import Signal
from ..lists.listed_patients import ListedPatients
from ..lists.listing import CurrentListing, Listing

_VIEWS = {"study": STUDY_DATA, "series": SERIES_DATA, "instance": INSTANCE_DATA}


class ImageMetadata:
    """The metadata registry, and what is known of the images of one server at a time.

    ``registry`` are the providers that are asked. ``known`` are those of the server: what it said,
    and the calibrations of its images. They are in the registry until another server is chosen,
    and come back with their server. ``calibration_changed`` is emitted with the id of an image, and
    ``patient_changed`` if the list says that it is another patient's now, or may be: nothing of
    what was known of the image before counts any more. ``listed`` is emitted when all that a list
    says is known.
    """

    def __init__(self, patients: HiddenPatients) -> None:
        self.registry = MetadataProviders()
        self.calibration_changed: Signal[[str]] = Signal()
        self.patient_changed: Signal[[str]] = Signal()
        self.listed: Signal[[]] = Signal()
        self.other_ids: Callable[[], Set[str]] = frozenset
        """Of the images that something in the scene belongs to."""
        self._patients = patients
        self._current = CurrentListing()
        self._known_of_servers: dict[str, StandardProviders] = {}
        self._listed_patients: dict[StandardProviders, ListedPatients] = {}
        # The list that is handled next, and what was looked up in it.
        self._prepared: tuple[codec.ImageMetaMessage | None, Listing | None] = (None, None)
        self.known = self._new_providers()

    @property
    def listing(self) -> Listing:
        """The last list of images of this server."""
        return self._current.listing

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return what the list says of an image, or None; of doubled ids see ``Listing``."""
        return self._current.entry(image_id)

    def _new_providers(self) -> StandardProviders:
        """Return providers for a server, for whose images the list counts as far as they agree.

        The name of one patient with the ID of another would be a patient whom there is not.
        """
        find_entry = self._current.entry  # nothing that leads back to the providers

        def entry_of(image_id: str) -> codec.ImageMetaItem | None:
            entry = find_entry(image_id)
            said = getattr(messages(PATIENT, image_id), "PatientID", None) or ""
            if entry is None or not is_id_of_another_patient(said, entry):
                return entry
            return replace(entry, patient_name="", patient_id="")

        providers = StandardProviders(self.registry, entry_of)
        messages = providers.messages
        return providers

    def on_image(self, image_id: str, image: codec.ImageMessage) -> None:
        """Note that an image has come: of doubled ids, it tells which one is meant."""
        if len(self.listing.entries_of(image_id)) > 1:
            self.listing.on_image(image_id, image)
            self.known.list.entries_changed()

    def calibration(self, image_id: str) -> CalibratedSpacing | None:
        """Return the calibrated spacing of an image of this server, or None."""
        return self.known.calibration.calibration(image_id)

    def calibrate(self, image_id: str, spacing: Sequence[float]) -> None:
        """Set the spacing of an image: mm along i and j, or along i, j and k.

        Its volume gets it, too, now or when it is made; the first voxel stays where it is.
        Raises ``ValueError`` if these are not two or three positive numbers.
        """
        if len(spacing) not in (2, 3):
            raise ValueError(
                "a spacing has two numbers, mm along i and j, or three, along i, j and k; "
                f"there are {len(spacing)}"
            )
        along_i, along_j, *along_k = spacing
        along_k = along_k[0] if along_k else None
        self.known.calibration.calibrate(image_id, along_j, along_i, slice_spacing=along_k)
        self.calibration_changed.emit(image_id)

    def remove_calibration(self, image_id: str) -> None:
        """Give an image the spacing back that it came with."""
        self.known.calibration.forget(image_id)
        self.calibration_changed.emit(image_id)

    def set_value(self, image_id: str, keyword: str, value: Any) -> None:
        """Set what a DICOM keyword is for an image, over what everybody else says.

        ``value`` is a text as DICOM writes it (several values joined by a backslash), or already
        of the keyword's kind. Raises ``ValueError`` if it is not what the keyword needs.
        """
        self.known.typed.set(image_id, keyword, value)

    def remove_value(self, image_id: str, keyword: str) -> None:
        """Let what others know of a keyword count again."""
        self.known.typed.remove(image_id, keyword)

    def normalized(self, image_id: str) -> dict[str, dict[str, Any]]:
        """Return what is known of an image's study, series and instance: values by DICOM keyword.

        If patients are hidden, without what tells who the patient is.
        """
        views = {name: self.registry.get(type_, image_id) for name, type_ in _VIEWS.items()}
        known = {name: dict(view) for name, view in views.items() if view is not NOTHING}
        if not self._patients.is_hidden:
            return known
        return {name: self._redacted(view) for name, view in known.items()}

    def _redacted(self, view: dict[str, Any]) -> dict[str, Any]:
        redact = self._patients.redact
        return {
            keyword: redact(value) if isinstance(value, str) else value
            for keyword, value in view.items()
            if not is_identity(keyword)
        }

    def close(self) -> None:
        """Let the registry go: its providers ask it themselves."""
        self.registry.remove_all_providers()
        self.calibration_changed.disconnect_all()
        self.patient_changed.disconnect_all()
        self.listed.disconnect_all()
        self.other_ids = frozenset  # it keeps the browser alive

    def select_server(self, address: str) -> None:
        """Know what was known of the images of a server, and nothing of another one's."""
        self._remember_patients()
        self._prepared = None, None
        self.known.remove_from_registry()
        if address not in self._known_of_servers:
            self._known_of_servers[address] = self._new_providers()
        self.known = self._known_of_servers[address]
        self.known.add_to_registry()
        self._current.listing = Listing()
        self.on_list(Listing())

    def prepare(self, message: codec.ImageMetaMessage) -> Iterator[None]:
        """Do with pauses what ``on_list`` would need of a list: 10,000 images may be known."""
        if self._patients.is_hidden:
            yield from register_some_patients(message.items, self._patients)
        listing = Listing(message)
        for image_id in self.known.ids | self.other_ids():
            self.listing.entry(image_id)
            listing.entry(image_id)
            yield
        yield from listing.prepare_table(self._patients)
        self._prepared = message, listing

    def new_listing(self, message: codec.ImageMetaMessage) -> Listing:
        """Return the list that a message has, as ``prepare`` has left it."""
        (prepared, listing), self._prepared = self._prepared, (None, None)
        return listing if listing is not None and prepared is message else Listing(message)

    def on_list(self, listing: Listing) -> None:
        """Know what another list says."""
        self._remember_patients()
        listing.keep_forms_of(self._current.listing)
        self._current.listing = listing
        self.known.list.entries_changed()
        self._forget_others()
        self.register_patients()
        self.listed.emit()

    @property
    def was_listed(self) -> bool:
        """Whether a list has said whose images they are, over any connection to this server."""
        return self.listing.listed_at is not None or bool(self._listed_patients[self.known])

    def disown(self, image_ids: Iterable[str]) -> None:
        """Let nothing belong to these images any more, as nobody can say whose they are now.

        Nor to others to which something in the scene belongs.
        """
        for image_id in {*image_ids, *self.other_ids()}:
            self.patient_changed.emit(image_id)

    def patient(self, image_id: str) -> Patient:
        """Return whose image it is by the list or, if that does not say so, by its message."""
        entry, said = self.entry(image_id), self.known.messages(PATIENT, image_id)
        if entry is not None and (entry.patient_id or entry.patient_name):
            return entry.patient_id, entry.patient_name
        if said is NOTHING:
            return NOT_KNOWN
        return as_text(said.PatientID), as_text(said.PatientName)

    def mark_patient(self, address: str, image_id: str, node: Any) -> None:
        """Write onto a node whose image it has come for, if it is one of this server.

        What its other attributes say of patients is covered if these are hidden.
        """
        cover_ids(node, self._patients)
        if image_id and self._known_of_servers.get(address) is self.known:
            mark(node, self.patient(image_id), self._patients)

    def remember_in_scene(self, image_id: str, patient_id: str, name: str) -> None:
        """Note whose an image is, if that is known, that was in the scene already."""
        self._listed_patients[self.known].remember_in_scene(image_id, patient_id, name)

    def _remember_patients(self) -> None:
        """Note whose images they are of which more is known than the list says."""
        patients = self._listed_patients.setdefault(self.known, ListedPatients())
        patients.remember(self.known.ids | self.other_ids(), self._current.entry)

    def _forget_others(self) -> None:
        """Forget what the user or messages said of images whose ids are others' now.

        A spacing that was measured in one image is not that of another, be it the same patient's.
        """
        of_others, of_same = self._listed_patients[self.known].others(self._current.entry)
        for image_id in (*of_others, *of_same):
            self.known.forget(image_id)
        for image_id in of_others:
            self.patient_changed.emit(image_id)

    def register_patients(self) -> None:
        """Know the patients of the list by name, if they are hidden."""
        if self._patients.is_hidden:
            register_patients(self.listing.entries, self._patients)

    def know_patients(self) -> Iterator[None]:
        """Know them by name, with pauses, before they are hidden."""
        entries = None
        while entries is not self.listing.entries:  # another list may come meanwhile
            entries = self.listing.entries
            yield from register_some_patients(entries, self._patients)
