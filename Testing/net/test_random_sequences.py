"""Random sequences of asking, cancelling, waiting and lost connections, the same in every run.

Whatever the order: each query ends, and who gets an image gets the right one.
"""

from __future__ import annotations

import random

import pytest

from helpers.peers import ImagesInMemory, ScriptedServer, make_image, step_until
from helpers.scripts import answers_or_leaves
from IGTLMetaBrowserLib import net

# Some fit the receiver's shared buffer of 64 KiB, some do not.
SIZES = [(4, 3, 2), (64, 64, 7), (64, 64, 9), (128, 128, 16)]
SHADES = {f"IMAGE_{number}": number for number in range(8)}
IMAGES = {name: make_image(shade, SIZES[shade % 4]) for name, shade in SHADES.items()}


def is_right(query: net.Query) -> bool:
    return query.answer is not None and query.answer.pixels[0, 0, 0] == SHADES[query.device_name]


@pytest.mark.parametrize("seed", range(25))
def test_asking_and_cancelling(seed: int):
    chance = random.Random(seed)
    asked: list[net.Query] = []
    cancelled: list[net.Query] = []
    with (
        net.Server(ImagesInMemory(IMAGES), port=0) as server,
        net.Client("127.0.0.1", server.port) as client,
    ):
        events: list[net.ClientEvent] = []
        for _ in range(100):
            action = chance.random()
            if action < 0.25:
                asked.append(client.ask("IMAGE", chance.choice(list(SHADES))))
            elif action < 0.4 and asked:
                query = chance.choice(asked)
                if not query.is_done:
                    client.cancel(query)
                    cancelled.append(query)
            elif action < 0.7:
                server.step()
            else:
                events += client.step(chance.choice([0.0, 0.001]))
        events += step_until(client, lambda: all(query.is_done for query in asked), server)
    for query in asked:
        assert query in cancelled or is_right(query)
    assert all(isinstance(query.error, net.CancelledError) for query in cancelled)
    finished = [event.query for event in events if isinstance(event, net.Finished)]
    assert sorted(map(id, finished)) == sorted(id(q) for q in asked if q not in cancelled)
    assert not [event for event in events if isinstance(event, (net.Disconnected, net.Unsolicited))]


@pytest.mark.parametrize("seed", range(10))
def test_a_server_that_closes_whenever_it_likes(seed: int):
    chance = random.Random(seed)
    with (
        ScriptedServer(answers_or_leaves(IMAGES, chance, 0.15)) as server,
        server.client() as client,
    ):
        asked = [client.ask("IMAGE", chance.choice(list(SHADES))) for _ in range(30)]
        step_until(client, lambda: all(query.is_done for query in asked))
    for query in asked:
        assert is_right(query) or isinstance(query.error, net.ConnectionLostError)
