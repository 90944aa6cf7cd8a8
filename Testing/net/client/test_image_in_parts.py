"""A whole image in parts, over links that are cut, and from images that change."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

from helpers.part_peers import large_image, parts_of, send_damaged, send_part
from helpers.peers import ImagesInMemory, ScriptedServer, ServerInThread, make_image
from helpers.shaped_link import ShapedLink
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client import client as client_module
from IGTLMetaBrowserLib.net.client import image_in_parts, link_speed, parts_transfer
from IGTLMetaBrowserLib.net.client.image_in_parts import get_image_in_parts
from IGTLMetaBrowserLib.net.list_metadata.identity import SERVER

SIZE = (128, 128, 64)  # 2 MB


class Versioned(ImagesInMemory):
    """One image, which is another one after each so many times that it is asked for.

    It tells of changes at no cost, as a scene does, so that the server asks each time.
    """

    seconds_between_images = 1.0

    def __init__(self) -> None:
        super().__init__({"A": make_image(1, SIZE)})
        self.version = 0
        self.parts_until_change: int | None = None
        self.asked = 0

    def image_version(self, image_id: str) -> int:
        self.asked += 1
        if self.parts_until_change and self.asked % self.parts_until_change == 0:
            self.version += 1
            self._images["A"] = make_image(1000 * self.version, SIZE)
        return self.version


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an image of 2 MB one of many parts, and waste no time before trying again."""
    slab = 8 * 128 * 128 * 2
    for name in ("_FIRST_SLAB_BYTES", "_COMPRESSED_SLAB_BYTES"):
        monkeypatch.setattr(parts_transfer, name, slab)
    monkeypatch.setattr(image_in_parts, "_BYTES_AT_ONCE", 2 * slab)
    monkeypatch.setattr(image_in_parts, "_DELAYS", (0.0,) * 5)
    monkeypatch.setattr(link_speed, "_BYTES_PER_SECOND", 0.0)


@contextmanager
def linked(source: Versioned, **options: object):
    """Serve a source; yield the link to it and a client at the link's other end."""
    with (
        ServerInThread(source) as server,
        ShapedLink(server.port, **options) as link,
        net.Client("127.0.0.1", link.port) as client,
    ):
        yield link, client


def test_it_is_the_image_that_comes_as_a_whole():
    with linked(Versioned()) as (_, client):
        whole, parts = client.get_image("A"), get_image_in_parts(client, "A")
    assert np.array_equal(parts.pixels, whole.pixels)
    assert np.array_equal(parts.ijk_to_ras(), whole.ijk_to_ras())
    assert parts.metadata == whole.metadata
    assert parts.device_name == "A"


@pytest.mark.parametrize("is_slow", [False, True], ids=["fast", "slow"])
def test_parts_are_compressed_on_a_slow_link(is_slow: bool, monkeypatch: pytest.MonkeyPatch):
    # As it was measured: see test_link_speed.py. Parts that a busy machine reads late, as they are
    # whole already, tell nothing of the link.
    monkeypatch.setattr(link_speed.LinkSpeed, "is_slow", is_slow)
    with linked(source := Versioned()) as (_, client):
        image = get_image_in_parts(client, "A")
        received = client._session.connection.receiver.bytes_received
    assert np.array_equal(image.pixels, source.image("A").pixels)
    assert (received < image.pixels.nbytes) == is_slow


def test_a_transfer_that_is_cut_again_and_again_goes_on_where_it_stopped():
    lost, counted = [], []
    with linked(source := Versioned(), cut_after=[900_000, 500_000, 300_000]) as (link, client):
        image = get_image_in_parts(client, "A", lambda *count: counted.append(count), lost.append)
        assert link.connection_count == 4
    assert np.array_equal(image.pixels, source.image("A").pixels)
    assert lost
    # Each slab was counted once: none was taken twice.
    assert [count for count, _ in counted] == sorted({count for count, _ in counted})
    assert counted[-1] == (image.pixels.nbytes,) * 2


def test_who_does_not_say_soon_what_it_offers_is_to_be_asked_for_the_image(
    monkeypatch: pytest.MonkeyPatch,
):
    """As a server that has taken over, and is busy: the image needs no parts."""
    monkeypatch.setattr(client_module, "_CAPABILITY_SECONDS", 0.05)
    image = large_image()

    def end(peer, query, part):
        if query.tag:  # of the first part, which has come
            raise EOFError
        send_part(peer, query, part)

    scripts = parts_of(image, end), parts_of(image, types=None)
    with ScriptedServer(*scripts) as server, server.client() as client:
        with pytest.raises(net.RefusedError, match="does not say that it sends parts"):
            get_image_in_parts(client, "CT")
        assert server.connections == 2
        assert np.array_equal(client.get_image("CT").pixels, image.pixels)


def test_a_connection_that_ends_before_it_is_known_what_is_offered_is_made_once_more():
    """The transfer goes on over the next one: it was not said that there are no parts."""
    image = large_image()

    def end(peer, query, part):
        if query.tag:  # of the first part, which has come
            raise EOFError
        send_part(peer, query, part)

    def end_when_asked(peer):
        while peer.receive().type_name != "GET_CAPABIL":
            peer.send(codec.ImageMetaMessage([], header_version=2, metadata=SERVER))

    scripts = parts_of(image, end), end_when_asked, parts_of(image)
    with ScriptedServer(*scripts) as server, server.client() as client:
        assert np.array_equal(get_image_in_parts(client, "CT").pixels, image.pixels)


def test_a_part_that_is_damaged_on_its_way_is_asked_for_again():
    image, lost, asked = large_image(), [], []

    def damage_each_third(peer, query, part):
        asked.append(query)
        (send_part if len(asked) % 3 else send_damaged)(peer, query, part)

    with ScriptedServer(parts_of(image, damage_each_third)) as server, server.client() as client:
        client.list_images()
        fetched = get_image_in_parts(client, "CT", on_lost=lost.append)
    assert np.array_equal(fetched.pixels, image.pixels)
    assert {type(error) for error in lost} == {net.DamagedAnswerError}


def test_parts_that_are_damaged_each_time_are_an_error_in_words():
    def damage(peer, query, part):
        (send_damaged if query.tag else send_part)(peer, query, part)

    with ScriptedServer(parts_of(large_image(), damage)) as server, server.client() as client:
        client.list_images()
        with pytest.raises(net.DamagedAnswerError, match="checksum"):
            get_image_in_parts(client, "CT")
        assert server.connections <= len(image_in_parts._DELAYS) + 2


def test_an_image_that_changes_meanwhile_is_begun_anew():
    source = Versioned()
    source.parts_until_change = 5
    with linked(source) as (_, client), pytest.raises(net.RefusedError, match="has changed"):
        get_image_in_parts(client, "A")  # it never comes to an end
    source.parts_until_change = None
    with linked(source) as (_, client):
        image = get_image_in_parts(client, "A")
    assert np.array_equal(image.pixels, source.image("A").pixels)


def test_parts_of_before_and_after_a_change_are_never_put_together():
    source = Versioned()
    with linked(source, cut_after=[900_000]) as (_, client):

        def change(error: net.NetworkError) -> None:
            source._images["A"] = make_image(5000, SIZE)
            source.version += 1

        image = get_image_in_parts(client, "A", on_lost=change)
    assert np.array_equal(image.pixels, make_image(5000, SIZE).pixels)


def test_a_part_of_an_image_that_changes_while_it_is_cut_out_is_not_sent():
    source = Versioned()
    source.parts_until_change = 2  # the version is asked for before and after
    request = codec.GetImagePartMessage(stride=(2, 2, 2), device_name="A")
    with linked(source) as (_, client), pytest.raises(net.RefusedError, match="has changed"):
        client.get_image_part(request)


def test_a_server_that_is_gone_for_good_is_an_error():
    with linked(Versioned(), cut_after=[900_000, *[1] * 20]) as (link, client):
        with pytest.raises(net.ConnectionLostError):
            get_image_in_parts(client, "A")
        assert link.connection_count < 20


def test_an_image_that_is_not_there_is_refused(running_server: ServerInThread):
    with running_server.client() as client, pytest.raises(net.RefusedError, match="no image 'X'"):
        get_image_in_parts(client, "X")


def test_an_image_beyond_the_limit_is_an_error_before_any_memory_is_taken():
    with (
        ServerInThread(Versioned()) as server,
        server.client(max_body_size=1 << 20) as client,
        pytest.raises(net.AnswerError, match="allow larger images") as raised,
    ):
        get_image_in_parts(client, "A")
    assert raised.value.setting == "max_body_size"


def test_the_wire_says_how_it_is_encoded(running_server: ServerInThread):
    request = codec.GetImagePartMessage(
        device_name="LARGE", encodings=(codec.PartEncoding.ZIGZAG_DELTAS,)
    )
    with running_server.client() as client:
        part = client.get_image_part(request)
    assert part.encoding == codec.PartEncoding.ZIGZAG_DELTAS
    assert len(part.data) < part.byte_count


def test_parts_are_copied_for_one_after_the_other_if_nothing_may_be_kept(monkeypatch):
    monkeypatch.setattr(link_speed.LinkSpeed, "is_slow", True)  # compressed parts are copies
    limits = net.ServerLimits(image_cache_size=0)
    with ServerInThread(source := Versioned(), limits=limits) as server, server.client() as client:
        image = get_image_in_parts(client, "A")
    assert np.array_equal(image.pixels, source.image("A").pixels)


def test_an_image_that_is_larger_than_the_cache_is_read_once():
    class Counting(ImagesInMemory):
        reads = 0

        def image(self, image_id: str) -> codec.ImageMessage:
            self.reads += 1
            return super().image(image_id)

        def image_version(self, image_id: str) -> int:
            return 0

    source = Counting({"A": make_image(1, SIZE)})
    limits = net.ServerLimits(image_cache_size=1 << 20)
    with ServerInThread(source, limits=limits) as server, server.client() as client:
        get_image_in_parts(client, "A")
    assert source.reads == 1
