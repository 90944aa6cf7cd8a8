"""A scene that is served: which of its nodes, to whom, and what the user sees of that."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from helpers.certificates import Authority
from helpers.counted_calls import counted_calls
from helpers.patience import Patience
from helpers.peers import PATIENCE, Peer
from helpers.scene_servers import asked
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.endpoints import scene_server
from IGTLMetaBrowserLib.browser.endpoints.scene_server import SceneServer, SceneServerSettings
from IGTLMetaBrowserLib.scene.images.volumes import image_data

VOLUME = "vtkMRMLScalarVolumeNode"


@pytest.fixture
def serve(scene: slicer.vtkMRMLScene) -> Iterator[Callable[..., SceneServer]]:
    servers: list[SceneServer] = []

    def serve(**settings: Any) -> SceneServer:
        shown = lambda *_: None  # noqa: E731
        servers.append(SceneServer(scene, SceneServerSettings(port=0, **settings), shown, shown))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def add_volume(scene: slicer.vtkMRMLScene, name: str) -> Any:
    volume = scene.AddNewNodeByClass(VOLUME, name)
    pixels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    volume.SetAndObserveImageData(image_data(pixels))
    return volume


def names(client: net.Client) -> list[str]:
    return [item.name for item in client.list_images()]


def test_only_the_nodes_that_the_user_has_chosen_are_served(scene, serve) -> None:
    chosen, other = add_volume(scene, "chosen"), add_volume(scene, "other")
    drawn = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "drawn")
    for point in ((1, 2, 3), (4, 5, 6)):
        drawn.AddControlPoint(*point)
    server = serve()
    assert asked(server, names) == ["chosen", "other"]
    assert [node.GetName() for node in server.nodes()] == ["chosen", "other", "drawn"]

    server.share([chosen.GetID()])

    assert asked(server, names) == ["chosen"]
    assert asked(server, net.Client.get_trajectories) == ()
    with pytest.raises(net.RefusedError):
        asked(server, lambda client: client.get_image(other.GetID()[7:].replace("Node", "")))


def test_a_step_makes_a_part_of_a_list(scene, serve, monkeypatch) -> None:
    """The window of Slicer answers meanwhile."""
    monkeypatch.setattr(scene_server, "_SECONDS_A_TURN", 0.0)
    for number in range(20):
        add_volume(scene, f"Volume {number}")
    server, made = serve(), []
    with Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMGMETA"))
        while sum(made) < 20:
            with counted_calls() as counts:
                server.step(PATIENCE)
            made.append(counts["_image_item"])
    assert max(made) == 1


def test_a_thumbnail_is_made_without_the_list_of_all_images(scene, serve) -> None:
    add_volume(scene, "Volume")
    server = serve()
    with Peer.connect(server.port) as peer, counted_calls() as counts:
        peer.send(codec.GetMessage("IMGTHUMB", device_name="ScalarVolume1"))
        while not is_readable(peer.socket):
            server.step(PATIENCE)
        assert peer.receive().type_name == "IMGTHUMB"
    assert counts["planes_of"] == 1
    assert counts["_image_item"] == 0


def test_an_image_that_is_no_longer_shared_is_not_sent_from_the_cache(scene, serve) -> None:
    add_volume(scene, "once")
    server = serve()
    (item,) = asked(server, net.Client.list_images)
    asked(server, lambda client: client.get_image(item.id))
    server.share([])
    with pytest.raises(net.RefusedError):
        asked(server, lambda client: client.get_image(item.id))


def test_who_connected_and_what_they_fetched_is_seen(scene, serve) -> None:
    add_volume(scene, "CT head")
    server = serve()
    changes: list[list[bool]] = []
    server.clients_changed.connect(
        lambda: changes.append([client.is_connected for client in server.summaries])
    )

    def fetch(client: net.Client) -> None:
        (item,) = client.list_images()
        client.get_image(item.id)
        client.get_image(item.id)
        client.get_trajectories()

    asked(server, fetch)

    (client,) = server.summaries
    assert client.address.startswith("127.0.0.1:")
    assert client.fetched == ("CT head", "TRAJ")
    assert client.byte_count > 2 * 48
    assert changes[0] == [True]
    assert changes[-1] == [False]


def test_with_tls_the_name_in_the_certificate_is_seen(scene, serve, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    tls = net.ServerTLS(authority.issue("127.0.0.1"), client_authority=authority.file)
    server = serve(tls=tls)
    theirs = net.ClientTLS(authority.file, authority.issue("planning-station"))
    assert asked(server, names, tls=theirs) == []
    assert [client.certificate for client in server.summaries] == ["planning-station"]


def test_an_address_that_is_not_among_the_allowed_ones_is_refused_and_seen(serve) -> None:
    server = serve(allowed_networks=net.parse_networks("10.1.0.0/16, 10.2.3.4"))
    with pytest.raises(net.NetworkError):
        asked(server, names)
    *_, client = server.summaries
    assert not client.is_connected
    assert client.refusal == "the address 127.0.0.1 is not allowed to connect"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10.1.0.0.0/8", "'10.1.0.0.0/8' is not a network such as 10.1.0.0/16, or an address"),
        ("10.1.2.3/8", "'10.1.2.3/8' is an address with a mask; its network is 10.0.0.0/8"),
    ],
)
def test_what_is_no_network_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        net.parse_networks(f"10.1.0.0/16 {text}")


def test_the_last_hundred_connections_are_remembered(scene, serve) -> None:
    server = serve()
    for _ in range(120):
        asked(server, lambda client: client.get_trajectories())
    assert len(server.summaries) == 100


def test_that_the_scene_is_closed_is_told_before(scene, serve) -> None:
    server = serve()
    told = []
    server.scene_closing.connect(lambda: told.append(server.close()))
    scene.Clear(0)
    assert told == [None]


def test_a_pushed_line_keeps_all_that_it_had_on_the_way_back(scene, serve) -> None:
    """Group, owner, diameter, color: a planning station gets its plan again as it sent it."""
    add_volume(scene, "CT")
    server = serve()
    (item,) = asked(server, net.Client.list_images)
    sent = codec.TrajectoryItem(
        name="Electrode 1",
        group="Left",
        rgba=(10, 200, 30, 255),
        entry=(1.5, -2.25, 30.125),
        target=(0.5, 0.25, 0.125),
        diameter=1.25,
        owner=item.id,
    )

    def push(client: net.Client) -> Any:
        client.list_images()
        client.send(codec.TrajectoryMessage(items=[sent]))
        return client.list_images()

    asked(server, push)
    while server.next_deadline is not None and not asked(server, net.Client.get_trajectories):
        server.step(0.01)
    (back,) = asked(server, net.Client.get_trajectories)
    assert back == sent


def test_a_pushed_line_that_is_hidden_follows_and_then_the_server_rests(scene, serve) -> None:
    server = serve()

    def push(x: float) -> Callable[[net.Client], None]:
        item = codec.TrajectoryItem("Plan", entry=(x, 0, 0), target=(0, 0, 50))
        message = codec.TrajectoryMessage(items=[item], device_name="Planner")

        def send(client: net.Client) -> None:
            client.list_images()
            client.send(message)
            client.list_images()  # so that what was sent has arrived

        return send

    asked(server, push(1))
    while (line := scene.GetFirstNodeByClass("vtkMRMLMarkupsLineNode")) is None:
        server.step(0.01)
    line.SetDisplayVisibility(False)
    asked(server, push(2))
    patience = Patience(PATIENCE)
    while line.GetNthControlPointPosition(0)[0] != 2:
        assert not patience.is_over, "the hidden line stays where it was"
        server.step(0.01)
    # Without anything to do there is no next turn: the window would be woken for nothing.
    while (due := server.next_deadline) is not None and due <= time.monotonic():
        assert not patience.is_over, "the server has always something to do"
        server.step(0.0)


def test_a_volume_that_changes_is_sent_again_to_whom_has_asked_so(scene, serve) -> None:
    """STT_IMAGE; a change of its voxels, or of the transform that it stands under."""
    volume = add_volume(scene, "painted")
    server = serve()
    (item,) = asked(server, net.Client.list_images)
    with Peer.connect(server.port) as peer, ThreadPoolExecutor(1) as executor:

        def next_image() -> codec.ImageMessage:
            future = executor.submit(peer.receive)
            while not future.done():
                server.step(0.01)
            return future.result()

        peer.send(codec.StartMessage("IMAGE", device_name=item.id))
        assert next_image().pixels.max() == 23
        voxels = volume.GetImageData().GetPointData().GetScalars()
        voxels.SetTuple1(0, 99)
        voxels.Modified()
        assert next_image().pixels.max() == 99
        transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        volume.SetAndObserveTransformNodeID(transform.GetID())
        next_image()
        matrix = vtkMatrix4x4()
        matrix.SetElement(0, 3, 5.0)
        transform.SetMatrixTransformToParent(matrix)
        assert next_image().ijk_to_ras()[0, 3] == 5.0
