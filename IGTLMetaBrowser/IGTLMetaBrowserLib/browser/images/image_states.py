"""In what state each image of a server is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ... import codec
from ..events import ImageState, ImageStatus
from ..lists.listing import Listing
from ..overlays import Overlays
from .list_notes import EARLIER_VERSION, FROM_SAVED_SCENE, list_notes

# One for all images: to make 1,000,000 of them would take a second.
_WAITING = ImageState(ImageStatus.WAITING)
_CANCELLED = ImageState(ImageStatus.CANCELLED)


@dataclass(eq=False)
class _Together:
    """The state of all images that wait: they can be cancelled together, a million at once."""

    state: ImageState


@dataclass(frozen=True)
class _Loaded:
    """What is known of an image in the scene: notes, and what the list said when it came."""

    notes: tuple[str, ...]
    entry: codec.ImageMetaItem | None
    has_entry: bool = True
    """Whether it should be in the list of images: one that is live or a label map need not."""

    def is_as_listed(self, entry: codec.ImageMetaItem | None) -> bool:
        """Whether the list says of it what it said when it came; not if it said nothing."""
        if not self.has_entry:
            return True
        return self.entry is not None and not list_notes(self.entry, entry)

    def state(self, entry: codec.ImageMetaItem | None) -> ImageState:
        from_list = list_notes(self.entry, entry) if self.has_entry else ()
        return ImageState(ImageStatus.LOADED, notes=(*from_list, *self.notes))


class ImageStates:
    """The states of one server's images at a time; what is loaded from others is remembered.

    A label map that is loaded may not fit its image, which can come later.
    """

    def __init__(self, overlays: Overlays) -> None:
        self._overlays = overlays
        self._states: dict[str, ImageState | _Together] = {}
        self._waiting = _Together(_WAITING)
        self._failed = ImageState(ImageStatus.FAILED)
        self._loaded: dict[str, _Loaded] = {}
        self._loaded_from: dict[str, dict[str, _Loaded]] = {}
        self._listing = Listing()

    def begin(self, address: str, is_in_scene: Callable[[str], bool]) -> None:
        """Turn to a server; what was loaded from it before is still loaded, if it is there."""
        known = self._loaded_from.get(address, {})
        self._loaded = {id_: loaded for id_, loaded in known.items() if is_in_scene(id_)}
        self._loaded_from[address] = self._loaded
        self._listing = Listing()
        self._states = {
            id_: ImageState(ImageStatus.LOADED, notes=loaded.notes)
            for id_, loaded in self._loaded.items()
        }

    def end(self) -> None:
        """Turn away from the server."""
        self._states, self._loaded = {}, {}
        self._listing = Listing()

    def of(self, image_id: str) -> ImageState:
        """Return the state of any image."""
        state = self._states.get(image_id)
        if isinstance(state, _Together):
            return state.state
        if state is None:
            return ImageState()
        is_shown = state.status is ImageStatus.LOADED and self._overlays.is_label_map(image_id)
        more = self._overlays.label_maps.grid_notes(image_id) if is_shown else ()
        return replace(state, notes=(*state.notes, *more)) if more else state

    @property
    def by_id(self) -> dict[str, ImageState]:
        """The states of the images that are not NOT_LOADED."""
        return {
            image_id: state.state if isinstance(state, _Together) else state
            for image_id, state in self._states.items()
        }

    def is_as_listed(self, image_id: str) -> bool:
        """Whether an image is in the scene, and surely the one that is listed now.

        Servers give an id to another patient's image, as when they are started again.
        """
        loaded = self._loaded.get(image_id)
        return loaded is not None and loaded.is_as_listed(self._listing.entry(image_id))

    def is_outdated(self, image_id: str) -> bool:
        """Whether the list says of an image in the scene something else than when it came.

        Of one of a saved scene, nobody knows what it said.
        """
        loaded = self._loaded.get(image_id)
        is_known = loaded is not None and loaded.entry is not None
        return is_known and not self.is_as_listed(image_id)

    @property
    def loaded_ids(self) -> list[str]:
        """The ids of the images that were put into the scene."""
        return list(self._loaded)

    def wait(self, image_ids: Iterable[str]) -> None:
        """The images were asked for; there may be 1,000,000 of them."""
        self._states.update(dict.fromkeys(image_ids, self._waiting))

    def load(self, image_id: str, received: int = 0, size: int = 0) -> None:
        """The image is in transfer, and so much of it has arrived."""
        self._states[image_id] = ImageState(ImageStatus.LOADING, received, size)

    def loaded(self, image_id: str, notes: tuple[str, ...]) -> ImageState:
        """The image is in the scene; return its state, with what the list says added."""
        entry, has_entry = self._listing.entry(image_id), not self._overlays.is_label_map(image_id)
        self._loaded[image_id] = _Loaded(notes, entry, has_entry)
        return self._show_loaded(image_id)

    def live(self, image_id: str) -> None:
        """The image is in the scene, because the server streams it."""
        if self.of(image_id).status in (ImageStatus.WAITING, ImageStatus.LOADING):
            return
        if image_id not in self._loaded:
            self._loaded[image_id] = _Loaded((), None, has_entry=False)
        self._show_loaded(image_id)

    def adopt(self, image_ids: Iterable[str], label_map_ids: Iterable[str]) -> None:
        """These are in the scene, but not from this session: they may be older than the list."""
        for ids, has_entry in ((image_ids, True), (label_map_ids, False)):
            for image_id in ids:
                self._loaded[image_id] = _Loaded((FROM_SAVED_SCENE,), None, has_entry)
                if self.of(image_id).status in (ImageStatus.WAITING, ImageStatus.LOADING):
                    continue
                if self._listing.listed_at is None:  # nothing is known of what is not in a list
                    state = ImageState(ImageStatus.LOADED, notes=(FROM_SAVED_SCENE,))
                    self._states[image_id] = state
                else:
                    self._show_loaded(image_id)

    def fail(self, image_id: str, reason: str) -> None:
        """The image could not be loaded."""
        notes = (EARLIER_VERSION,) if image_id in self._loaded else ()
        state = ImageState(ImageStatus.FAILED, reason=reason, notes=notes)
        if state != self._failed:  # of a million that fail together, one is kept
            self._failed = state
        self._states[image_id] = self._failed

    def cancel(self, image_ids: Iterable[str]) -> None:
        """The images are wanted no more; if an earlier version is there, nothing has changed."""
        for image_id in image_ids:
            self._states[image_id] = _CANCELLED
            if image_id in self._loaded:
                self._show_loaded(image_id)

    def cancel_waiting(self) -> None:
        """None of those that wait are wanted any more; there may be 1,000,000 of them."""
        cancelled, self._waiting = self._waiting, _Together(_WAITING)
        cancelled.state = _CANCELLED
        for image_id in self._loaded:
            if self._states.get(image_id) is cancelled:
                self._show_loaded(image_id)

    def list(self, listing: Listing) -> None:
        """A new list has come: note what it says differently of what is loaded."""
        self._listing = listing
        for image_id in self._loaded:
            if self.of(image_id).status is ImageStatus.LOADED:
                self._show_loaded(image_id)

    def remove_all_but(self, is_in_scene: Callable[[str], bool]) -> list[str]:
        """Forget what is no longer in the scene; return the ids whose state has changed."""
        removed = [image_id for image_id in self._loaded if not is_in_scene(image_id)]
        for image_id in removed:
            del self._loaded[image_id]
            state = self.of(image_id)
            if state.status is ImageStatus.LOADED:
                del self._states[image_id]
            elif state.status is ImageStatus.FAILED:
                self._states[image_id] = replace(state, notes=())
        return removed

    def _show_loaded(self, image_id: str) -> ImageState:
        self._states[image_id] = self._loaded[image_id].state(self._listing.entry(image_id))
        return self.of(image_id)
