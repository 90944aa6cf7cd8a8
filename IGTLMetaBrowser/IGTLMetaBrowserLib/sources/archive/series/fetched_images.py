"""The images of an archive that were fetched: what overlays may belong to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ...dicom.volumes.stacks import Stack

# For each list of overlays the archive is asked for each study. A server for many has fetched
# thousands in a month.
MOST_STUDIES = 64


class FetchedImages(Mapping[str, Stack]):
    """Where images lie, by their ids: those of the ``most`` studies of which one was used last."""

    def __init__(self, most: int = MOST_STUDIES) -> None:
        self._most = most
        self._stacks: dict[str, Stack] = {}
        self._studies: OrderedDict[str, set[str]] = OrderedDict()  # the ids, by the studies' UIDs
        self._has_forgotten = False

    def __getitem__(self, image_id: str) -> Stack:
        return self._stacks[image_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stacks)

    def __len__(self) -> int:
        return len(self._stacks)

    @property
    def studies(self) -> list[str]:
        """The UIDs of the studies that they are of."""
        return [*self._studies]

    @property
    def notice(self) -> str:
        """What there is to know of a list of overlays: that they are not those of all images."""
        if not self._has_forgotten:
            return ""
        return (
            f"only the {self._most} studies are looked at of which an image was loaded last; load "
            "one of another study, and ask again"
        )

    def add(self, study: str, stacks: Mapping[str, Stack]) -> None:
        """Add the images of a series of a study, by their ids: one of them is asked for."""
        if not stacks:
            return
        for image_id, stack in stacks.items():
            # For overlays it is enough where it lies: the headers of all slices are 1.5 KB each.
            self._stacks[image_id] = replace(
                stack, frames=stack.frames[:1], plane_count=stack.size[2]
            )
        self._studies.setdefault(study, set()).update(stacks)
        self._studies.move_to_end(study)
        while len(self._studies) > self._most:
            oldest = next(iter(self._studies))
            self.forget([*self._studies[oldest]])
            self._has_forgotten = True

    def forget(self, ids: Iterable[str]) -> None:
        """Forget images: they are gone, or another patient's now."""
        for image_id in self._stacks.keys() & {*ids}:
            del self._stacks[image_id]
        for study, of_study in [*self._studies.items()]:
            of_study.intersection_update(self._stacks)
            if not of_study:
                del self._studies[study]
