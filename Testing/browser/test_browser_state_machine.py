"""A browser in any order of events: connect, list, fetch, cancel, delete, close, server dies.

Hypothesis looks for an order after which a volume is wrong, an image has two nodes, or something
that was asked for never ends. ``SEQUENCES=100000`` in the environment is the long form.
"""

from __future__ import annotations

import pytest
import slicer
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from helpers.any_order import ServerInAnyOrder, any_order
from helpers.hospital import voxels
from helpers.patience import Patience
from helpers.peers import PATIENCE
from hostile.conversation import IMAGES, Archive
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImageStatus

IDS = st.sampled_from([*IMAGES, "UNKNOWN"])
ENDED = (
    ImageStatus.NOT_LOADED,
    ImageStatus.LOADED,
    ImageStatus.FAILED,
    ImageStatus.CANCELLED,
)


class AnyOrder(ServerInAnyOrder):
    """What a user does with a browser."""

    def __init__(self) -> None:
        super().__init__(Archive())
        self.scene = slicer.vtkMRMLScene()
        slicer.vtkMRMLApplicationLogic().SetMRMLScene(self.scene)
        self.browser = Browser(self.scene)

    def teardown(self) -> None:
        self.finish()
        self.browser.close()
        super().teardown()

    # What a user does

    @rule()
    def connect(self) -> None:
        delays = (0.001,)
        self.browser.connect(
            "127.0.0.1",
            self.port.number,
            reconnect_delays=delays,
            answer_timeout=1.0,
            connect_timeout=1.0,
        )

    @precondition(lambda self: self.browser.connection.has_server)
    @rule()
    def request_list(self) -> None:
        self.browser.images.request_list()

    @precondition(lambda self: self.browser.connection.has_server)
    @rule(ids=st.lists(IDS, min_size=1, max_size=3))
    def fetch(self, ids: list[str]) -> None:
        self.browser.request_images(ids)

    @precondition(lambda self: self.browser.connection.has_server)
    @rule()
    def request_trajectories(self) -> None:
        self.browser.trajectories.request()

    @rule(ids=st.none() | st.lists(IDS, max_size=2))
    def cancel(self, ids: list[str] | None) -> None:
        self.browser.images.cancel(ids)

    @rule()
    def leave(self) -> None:
        self.browser.disconnect()

    @rule(image_id=IDS)
    def delete_node(self, image_id: str) -> None:
        node = self.browser.images.node(image_id)
        if node is not None:
            self.scene.RemoveNode(node)

    @rule()
    def close_scene(self) -> None:
        self.scene.Clear(0)

    # What happens

    def step(self) -> None:
        super().step()
        self.browser.step()

    def finish(self) -> None:
        """Let all that was asked for end."""
        self.start_server()
        patience = Patience(PATIENCE)
        while self.browser.connection.has_server and self.is_busy:
            assert not patience.is_over, "it hung"
            self.step()
        for image_id in IMAGES:
            assert self.browser.images.states.of(image_id).status in ENDED

    @property
    def is_busy(self) -> bool:
        browser = self.browser
        is_connecting = browser.connection.state.name in ("CONNECTING", "RECONNECTING")
        is_fetching = browser.images.downloads.current is not None or bool(browser.queue)
        return is_connecting or is_fetching or browser.connection.is_waiting

    @invariant()
    def volumes_are_right(self) -> None:
        loaded = self.browser.images.loaded_ids()
        assert set(loaded) <= set(IMAGES)
        for image_id in loaded:
            truth = IMAGES[image_id].pixels.ravel()[:3].tolist()
            assert voxels(self.browser.images.node(image_id)) == truth

    @invariant()
    def no_image_has_two_nodes(self) -> None:
        assert self.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") <= len(IMAGES)
        assert self.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") <= 1


AnyOrder.TestCase.settings = any_order(25)
TestAnyOrder = pytest.mark.filterwarnings("ignore::ResourceWarning")(AnyOrder.TestCase)
