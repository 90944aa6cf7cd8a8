"""Images that may show names in their pixels are withheld from what is sent without identities."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.privacy.deidentified_source import DeidentifiedSource

KEY = b"a secret"


class Annotated(ImagesInMemory):
    """Images that say, or do not say, whether there are names in their pixels."""

    def __init__(self) -> None:
        super().__init__({name: make_image(1) for name in ("YES", "NO", "")})
        self.modality = "CT"

    def images(self) -> list[codec.ImageMetaItem]:
        return [replace(item, modality=self.modality) for item in super().images()]

    def metadata(self, image_id: str) -> dict[str, str]:
        return {"BurnedInAnnotation": image_id}


@pytest.mark.parametrize(
    ("modality", "allowed", "count"),
    [("CT", False, 2), ("US", False, 1), ("OT", False, 1), ("US", True, 3)],
)
def test_images_that_may_show_names_are_withheld(modality: str, allowed: bool, count: int):
    annotated = Annotated()
    annotated.modality = modality
    source = DeidentifiedSource(annotated, KEY, allow_annotated=allowed)
    assert len(source.images()) == count
    assert source.withheld_count == 3 - count
    assert {item.name for item in source.images()} <= {f"{modality} {n}" for n in (1, 2, 3)}


@pytest.mark.parametrize(
    ("metadata", "is_sent"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "ImageType": "ORIGINAL\\PRIMARY"}, True),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, False),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2\\1.2.840.10008.5.1.4.1.1.7.4"}, False),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.4"}, True),
        ({"ImageType": "DERIVED\\SECONDARY\\SCREEN SAVE"}, False),
        ({"PhotometricInterpretation": "RGB"}, False),
        ({"PhotometricInterpretation": "RGB", "BurnedInAnnotation": "NO"}, True),
    ],
)
@pytest.mark.parametrize("is_fetched_first", [False, True])
def test_captures_of_a_screen_are_withheld_whatever_their_modality(
    metadata: dict[str, str], is_sent: bool, is_fetched_first: bool
) -> None:
    """A dose report of a CT has the modality CT, and the patient's name in its pixels.

    Of an archive's series all that is known only when it was fetched.
    """

    class Captured(ImagesInMemory):
        def images(self) -> list[codec.ImageMetaItem]:
            return [replace(item, modality="CT") for item in super().images()]

        def metadata(self, image_id: str) -> dict[str, str]:
            return {} if is_fetched_first else metadata

        def image(self, image_id: str) -> codec.ImageMessage:
            return replace(super().image(image_id), metadata=metadata)

    source = DeidentifiedSource(Captured({"A": make_image(1)}), KEY)
    items = source.images()
    if is_sent:
        assert source.image(items[0].id).pixels.size
    elif is_fetched_first:
        with pytest.raises(SourceError, match="withheld"):
            source.image(items[0].id)
    else:
        assert (len(items), source.withheld_count) == (0, 1)


def test_a_modality_that_is_another_text_is_not_sent():
    annotated = Annotated()
    annotated.modality = "Mustermann"
    items = DeidentifiedSource(annotated, KEY).images()
    # The others are withheld: nobody knows how they were taken.
    assert [(item.modality, item.name) for item in items] == [("", "Image 2")]


@pytest.mark.parametrize("allowed", [False, True])
def test_what_only_the_image_itself_says_of_names(allowed: bool):
    """An archive does not list it: it is known when the image is fetched."""

    class Unknown(ImagesInMemory):
        def image(self, image_id: str) -> codec.ImageMessage:
            return replace(super().image(image_id), metadata={"BurnedInAnnotation": "YES"})

    source = DeidentifiedSource(Unknown({"A": make_image(1)}), KEY, allow_annotated=allowed)
    (item,) = source.images()
    if allowed:
        assert source.image(item.id).pixels.size
        return
    with pytest.raises(SourceError, match="withheld"):
        source.image(item.id)


def test_of_images_that_may_show_names_no_part_and_no_thumbnail_is_sent():
    class Kept(Annotated):
        kept: codec.ThumbnailMessage | None = None

        def kept_thumbnail(self, image_id: str) -> codec.ThumbnailMessage | None:
            return self.kept

        def keep_thumbnail(self, image_id: str, thumbnail: codec.ThumbnailMessage) -> None:
            self.kept = thumbnail

    annotated = Kept()
    allowed = DeidentifiedSource(annotated, KEY, allow_annotated=True)
    ids = {item.id for item in allowed.images()}
    source = DeidentifiedSource(annotated, KEY)
    shown = {item.id for item in source.images()}
    (withheld,) = ids - shown
    with ServerInThread(source) as server, server.client() as client:
        assert client.get_thumbnail(min(shown)).planes
        assert client.get_image_part(codec.GetImagePartMessage(device_name=min(shown))).data
        for name in (withheld, "YES"):
            with pytest.raises(net.RefusedError, match="no image has this id"):
                client.get_thumbnail(name)
            with pytest.raises(net.RefusedError, match="no image has this id"):
                client.get_image_part(codec.GetImagePartMessage(device_name=name))
