"""Lists of many images come once: what our own server says of them besides comes alone."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from helpers.long_lists import LongListSource, count_hashed_texts, make_long_list
from helpers.peers import (
    PATIENCE,
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
)
from hostile.fault_proxy import FaultProxy
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client import header_versions, listed_images
from IGTLMetaBrowserLib.net.client.header_versions import known_servers
from IGTLMetaBrowserLib.net.list_metadata.identity import is_own_server
from IGTLMetaBrowserLib.net.server import answers
from IGTLMetaBrowserLib.net.server.named_items import NamedItems

COUNT = 100_000
BODY = COUNT * codec.ImageMetaItem.columns.itemsize
LONG_NAME = "A name that is longer than its field has bytes, " * 3


def test_a_long_list_takes_its_bytes_once_in_memory_and_on_the_network(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(header_versions, "_PROBE_SECONDS", PATIENCE)  # the machine may be busy
    monkeypatch.setattr(header_versions, "_LIST_SECONDS", PATIENCE)
    known_servers.clear()
    with (
        ServerInThread(LongListSource(COUNT)) as server,
        FaultProxy(server.port) as proxy,
        net.Client("127.0.0.1", proxy.port, answer_timeout=60) as client,
    ):
        tracemalloc.start()
        try:
            message = client.get_list()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        passed, _ = proxy.passed
    assert list(message.items[-3:]) == list(make_long_list(COUNT)[-3:])
    assert message.header_version == 2
    assert is_own_server(message)
    assert BODY < passed < 1.1 * BODY
    assert most < 1.3 * BODY


def test_a_list_is_prepared_in_several_steps_before_it_is_there(monkeypatch: pytest.MonkeyPatch):
    counts = count_hashed_texts(monkeypatch)
    monkeypatch.setattr(listed_images, "_ITEMS_A_TURN", 100)
    items = make_long_list(1000)

    def script(peer: Peer) -> None:
        peer.receive()
        # Behind the list comes what cannot be matched without it, and the end.
        peer.send(codec.ImageMetaMessage(items=items), replace(make_image(1), device_name="X"))

    with ScriptedServer(script) as server, server.client(header_version=1) as client:
        query, images, steps = client.ask("IMGMETA"), [], 0
        while not images:
            client.wait_for_socket()
            steps += bool(counts) and not query.is_done
            events = client.step(0.0)  # a piece of work each
            images += [event for event in events if isinstance(event, net.Unsolicited)]
            assert query.is_done or not images
    assert len(query.answer.items) == 1000
    assert counts == [100] * 10 + [1] * (len(counts) - 10)
    assert steps >= 10 + 256 + 10 - 1  # the rows, the parts that are sorted, the sizes and types


def test_whole_names_come_with_it():
    known_servers.clear()

    class Named(ImagesInMemory):
        def images(self) -> list[codec.ImageMetaItem]:
            (item,) = super().images()
            item.name = LONG_NAME
            return [item]

    with ServerInThread(Named({"A": make_image(1)})) as server, server.client() as client:
        assert [item.name for item in client.list_images()] == [LONG_NAME]
        # In version 2 at once, the next list is a whole one.
        assert [item.name for item in client.list_images()] == [LONG_NAME]
        assert client.get_image("A").pixels[0, 0, 0] == 1


def test_other_clients_get_the_items_whatever_their_metadata_say():
    query = codec.GetMessage("IMGMETA", header_version=2, metadata={"Items": "left out"})
    answer = answers.answer(ImagesInMemory({"A": make_image(1)}), query, NamedItems())
    assert [item.id for item in answer.items] == ["A"]
