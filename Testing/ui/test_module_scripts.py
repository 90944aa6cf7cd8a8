"""The module's logic in scripts: blocking calls, observers, and several connections at once."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from helpers.peers import (
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
    open_descriptors,
)
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.events import (
    Connected,
    Disconnected,
    Failed,
    ImageFailed,
    ImageLoaded,
    ImageStatus,
    Listed,
    TrajectoriesShown,
)
from IGTLMetaBrowserLib.net import ConnectionFailedError, RefusedError, TimeOutError
from slicerhost import wait_until


@pytest.fixture
def make_logic(user) -> Iterator[Callable[[], object]]:
    """Makes logics as a script does; they are closed at the end."""
    import IGTLMetaBrowser

    with ExitStack() as logics:
        yield lambda: logics.enter_context(closing(IGTLMetaBrowser.IGTLMetaBrowserLogic()))


@pytest.fixture
def logic(make_logic, small_server):
    logic = make_logic()
    logic.connectToServer("127.0.0.1", small_server)
    return logic


def test_the_example_of_the_readme(logic):
    entries = logic.listImages()
    assert [(entry.id, entry.name) for entry in entries][:2] == [("A", "Image A"), ("B", "Image B")]
    assert logic.loadImage("A").GetName() == "Image A"
    assert [node.GetName() for node in logic.loadTrajectories()] == ["Line 1", "Line 2", "Point"]
    logic.disconnectFromServer()
    assert not logic.browser.connection.has_server


def test_loaded_again_an_image_keeps_its_node(logic, slicer_host):
    assert logic.loadImage("A") is logic.loadImage("A")
    assert slicer_host.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


def test_a_deleted_node_is_not_loaded_any_more(logic, slicer_host):
    slicer_host.mrmlScene.RemoveNode(logic.loadImage("A"))
    assert logic.browser.images.states.of("A").status == ImageStatus.NOT_LOADED


def test_an_image_that_the_server_cannot_read_raises_its_words(logic):
    with pytest.raises(RefusedError, match="slice 7 of BROKEN is missing"):
        logic.loadImage("BROKEN")
    assert logic.loadImage("D").GetName() == "D"  # the connection goes on


def test_a_server_that_is_not_there_raises_what_to_try(make_logic, unused_port):
    logic = make_logic()
    with pytest.raises(ConnectionFailedError, match="check the port"):
        logic.connectToServer("127.0.0.1", unused_port)
    assert not logic.browser.connection.has_server


def test_a_server_that_says_nothing_raises_after_the_time_that_was_given(make_logic, scripted):
    logic = make_logic()
    logic.connectToServer("127.0.0.1", scripted(None, None), answer_timeout=0.2)
    with pytest.raises(TimeOutError, match=r"did not answer in 0\.2 s"):
        logic.listImages()


def test_connecting_elsewhere_leaves_the_server_before(logic, scripted):
    listing = codec.pack(codec.ImageMetaMessage(items=[codec.ImageMetaItem(id="ELSEWHERE")]))
    logic.connectToServer("127.0.0.1", scripted(listing))
    assert [entry.id for entry in logic.listImages()] == ["ELSEWHERE"]


# Observers


def test_observers_are_called_with_the_events_of_their_type(make_logic, small_server, unused_port):
    told = []
    logic = make_logic()
    everything = (Connected, Disconnected, Listed, ImageLoaded, ImageFailed, TrajectoriesShown)
    logic.addObserver(everything, told.append)
    logic.connectToServer("127.0.0.1", small_server)
    logic.listImages()
    node = logic.loadImage("A")
    with pytest.raises(RefusedError):
        logic.loadImage("BROKEN")
    logic.loadTrajectories()
    logic.disconnectFromServer()

    assert [type(event) for event in told] == [
        Connected, Listed, ImageLoaded, ImageFailed, TrajectoriesShown, Disconnected,
    ]  # fmt: skip
    assert told[2].node is node
    assert "slice 7" in str(told[3].error)


def test_a_removed_observer_is_not_called(logic):
    told = []
    logic.addObserver(Listed, told.append)
    logic.listImages()
    logic.removeObserver(told.append)
    logic.listImages()
    assert len(told) == 1


def test_an_observer_that_fails_keeps_the_others_from_nothing(logic, slot_errors):
    def failing(_event):
        raise ValueError("a mistake in the script")

    told = []
    logic.addObserver(Listed, failing)
    logic.addObserver(Listed, told.append)
    logic.listImages()
    assert len(told) == 1
    assert [str(error) for error in slot_errors] == ["a mistake in the script"]
    slot_errors.clear()


def test_an_observer_may_ask_for_more(logic):
    loaded = []
    logic.addObserver(Listed, lambda event: loaded.append(logic.loadImage(event.entries[0].id)))
    logic.listImages()
    assert [node.GetName() for node in loaded] == ["Image A"]


def test_events_come_from_the_event_loop_while_no_call_waits(make_logic):
    trajectories = codec.TrajectoryMessage(items=[codec.TrajectoryItem("Pushed", target=(1, 2, 3))])

    def push(peer: Peer) -> None:
        peer.send(trajectories)
        peer.wait_until_closed()

    told = []
    logic = make_logic()
    logic.addObserver((TrajectoriesShown, Failed), told.append)
    with ScriptedServer(push) as server:
        logic.connectToServer("127.0.0.1", server.port)
        wait_until(lambda: told, 20, "the trajectories that the server sends by itself")
        logic.disconnectFromServer()
    assert [node.GetName() for node in told[0].nodes] == ["Pushed"]


# Several at once


def test_several_connections_at_once_each_load_their_own(make_logic):
    with ExitStack() as servers:
        logics = []
        for shade in (10, 20, 30):
            source = ImagesInMemory({"SAME_ID": make_image(shade)})
            server = servers.enter_context(ServerInThread(source))
            logics.append(make_logic())
            logics[-1].connectToServer("127.0.0.1", server.port)
        nodes = [logic.loadImage("SAME_ID") for logic in logics]
        darkest = [node.GetImageData().GetScalarRange()[0] for node in nodes]
        for logic in logics:
            logic.close()
    assert darkest == [10, 20, 30]
    assert len({node.GetID() for node in nodes}) == 3


def test_several_connections_load_at_the_same_time(make_logic):
    with ExitStack() as servers:
        logics = []
        for shade in (10, 20, 30):
            source = ImagesInMemory({"A": make_image(shade, (128, 128, 64))})
            server = servers.enter_context(ServerInThread(source))
            logics.append(make_logic())
            logics[-1].browser.connect("127.0.0.1", server.port)
            logics[-1].browser.request_images(["A"])
        for logic in logics:
            wait_until(
                lambda logic=logic: logic.browser.images.node("A") is not None, 20, "image A"
            )
        for logic in logics:
            logic.close()


def test_a_closed_logic_leaves_nothing_behind(user, make_logic, small_server, slicer_host):
    observers = str(slicer_host.mrmlScene).count("vtkObserver (")
    before = open_descriptors()
    logic = make_logic()
    logic.connectToServer("127.0.0.1", small_server)
    logic.startDemo()
    assert open_descriptors() > before
    logic.close()
    gc.collect()
    # The server's end of the connection is in this process, too.
    wait_until(lambda: open_descriptors() <= before, 20, "the server's end")
    assert str(slicer_host.mrmlScene).count("vtkObserver (") == observers
