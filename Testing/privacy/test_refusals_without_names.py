"""A de-identified source whose original fails: whatever is asked, the original is not quoted."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import pytest

from helpers.peers import make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net import source
from IGTLMetaBrowserLib.net.list_metadata import image_sequences
from IGTLMetaBrowserLib.net.server import arriving_images
from IGTLMetaBrowserLib.privacy.deidentified_source import DeidentifiedSource

NAME = "DOE_JOHN"
ANSWERS = {
    "arriving_image": arriving_images.ArrivingImage(make_image(1), "tag"),
    "image": make_image(1),
    "image_tag": "tag",
    "search": ((), ""),
    "metadata": {"BurnedInAnnotation": "NO"},
    "documents_of_trajectories": (),
    "notices_of_documents": {},
} | dict.fromkeys(("trajectories", "points", "label_maps", "sequences"), ())
ARGUMENTS = {
    "since": 0.0,
    "message": make_image(1),
    "thumbnail": codec.ThumbnailMessage(),
    "attributes": {"Modality": "CT"},
    "data_type": "TRAJ",
}


def methods_of(module: ModuleType) -> set[str]:
    """Return the methods of all protocols of a module."""
    protocols = (thing for thing in vars(module).values() if getattr(thing, "_is_protocol", False))
    return {name for one in protocols for name, _ in inspect.getmembers(one, inspect.isfunction)}


OFFERED = {
    name
    for name, _ in inspect.getmembers(DeidentifiedSource, inspect.isfunction)
    if not name.startswith("_")
}
MODULES = (source, arriving_images, image_sequences)
METHODS = sorted(OFFERED & {name for module in MODULES for name in methods_of(module)})


def failing_in(method: str, asked: list[str]) -> net.Source:
    """Return a source that has all methods, of which one fails when all is ``constructed``."""

    def answer(name: str, *_: Any) -> Any:
        asked.append(name)
        if name == method and "constructed" in asked:
            raise net.SourceError(f"{NAME}_19600101.nii can no longer be read")
        if name == "images":  # another list each time
            return [codec.ImageMetaItem(id="A", modality="CT", size=(1, 1, 1))]
        return ANSWERS.get(name)

    methods = {
        name: (lambda self, *arguments, name=name: answer(name, *arguments)) for name in METHODS
    }
    constants = {"seconds_between_images": 1.0, "search_keywords": ("Modality",)}
    return type("Failing", (), methods | constants)()


@pytest.mark.parametrize("failing", METHODS)
def test_no_refusal_quotes_the_source(failing: str) -> None:
    asked: list[str] = []
    offered = DeidentifiedSource(failing_in(failing, asked), b"a secret")
    image_id = offered.images()[0].id
    asked[:] = ["constructed"]
    request = codec.GetImagePartMessage(device_name=image_id)
    arguments = ARGUMENTS | {"image_id": image_id, "request": request}
    refusals = []
    for name in OFFERED:
        method = getattr(offered, name)
        try:
            said = repr(method(*(arguments[one] for one in inspect.signature(method).parameters)))
        except net.SourceError as error:
            refusals.append(said := f"{error!r} {error.__cause__!r}")
        assert NAME not in said, name
    assert failing in asked
    assert refusals
