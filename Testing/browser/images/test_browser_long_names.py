"""Names that are longer than IMGMETA's fields, from our own server."""

from __future__ import annotations

from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser

NAME = "Schädel nativ, Rekonstruktion " * 5


class LongNames(ImagesInMemory):
    def images(self) -> list[codec.ImageMetaItem]:
        (item,) = super().images()
        item.name = NAME
        return [item]


def test_a_long_name_reaches_the_node(unconnected: Browser):
    with ServerInThread(LongNames({"A": make_image(1)})) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        assert unconnected.images.listing.entry("A").name == NAME
        assert unconnected.load_image("A").GetName() == NAME
        unconnected.disconnect()
