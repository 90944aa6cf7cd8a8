"""Random sequences of asking, cancelling, deleting and lost connections, the same in every run.

Whatever the order: each image that was asked for ends as loaded, failed or cancelled, and what is
loaded is the right one.
"""

from __future__ import annotations

import random

import pytest

from helpers.hospital import finish
from helpers.peers import ScriptedServer, make_image, wait_for_socket
from helpers.scripts import answers_or_leaves
from IGTLMetaBrowserLib.browser.events import (
    ConnectionState,
    ImageFailed,
    ImageLoaded,
    ImagesCancelled,
    ImageStatus,
    ImagesWaiting,
)

# Some fit the receiver's shared buffer of 64 KiB, some do not.
SIZES = [(4, 3, 2), (64, 64, 7), (64, 64, 9), (128, 128, 16)]
SHADES = {f"IMAGE_{number}": 10 * number for number in range(8)}
IMAGES = {
    name: make_image(shade, SIZES[number % 4])
    for number, (name, shade) in enumerate(SHADES.items())
}


def check_ends_once(name, events):
    """Each time an image is asked for, it comes, fails or is cancelled: once."""
    is_waiting = False
    for event in events:
        ids = getattr(event, "image_ids", [getattr(event, "image_id", None)])
        if name not in ids:
            continue
        if isinstance(event, ImagesWaiting):
            is_waiting = True
        elif isinstance(event, ImageLoaded | ImageFailed | ImagesCancelled):
            assert is_waiting, f"{event} came although nobody asked, or twice"
            is_waiting = False
    assert not is_waiting, f"{name} was asked for and never ended"


@pytest.mark.parametrize("seed", range(8))
def test_each_image_ends_in_one_way_and_as_itself(unconnected, events, scene, seed):
    chance = random.Random(seed)
    names = list(SHADES)
    with ScriptedServer(answers_or_leaves(IMAGES, random.Random(seed), 0.1)) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.001,))
        for _ in range(150):
            action = chance.random()
            if action < 0.3:
                unconnected.request_images(chance.sample(names, 3))
            elif action < 0.35:
                unconnected.images.cancel(chance.sample(names, 2))
            elif action < 0.37:
                unconnected.images.cancel()
            elif action < 0.45 and unconnected.images.loaded_ids():
                scene.RemoveNode(
                    unconnected.images.node(chance.choice(unconnected.images.loaded_ids()))
                )
            elif action < 0.5 and unconnected.connection.state is ConnectionState.RECONNECTING:
                unconnected.connection.reconnect_now()
            else:
                wait_for_socket(unconnected)
                unconnected.step()
        finish(unconnected)
        states = dict(unconnected.images.states.by_id)
        loaded = {name: unconnected.images.node(name) for name in unconnected.images.loaded_ids()}
        unconnected.disconnect()

    assert unconnected.images.downloads.transfer is None
    for name, node in loaded.items():
        assert node.GetImageData().GetScalarComponentAsDouble(0, 0, 0, 0) == SHADES[name]
    for name, state in states.items():
        assert state.status in (ImageStatus.LOADED, ImageStatus.FAILED, ImageStatus.CANCELLED)
        assert (state.status is ImageStatus.LOADED) <= (name in loaded)
    for name in names:
        check_ends_once(name, events)
