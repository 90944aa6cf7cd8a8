"""The module's own server: others get what is in the scene, and send their plans into it."""

from __future__ import annotations

import errno
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import slicer

from helpers.peers import Peer, open_sockets
from helpers.plans import line
from IGTLMetaBrowserLib import codec, net
from interop import reference_library
from slicerhost import wait_until

ENTRY, TARGET = (1.5, -2.25, 30.125), (0.1, 0.2, 0.3)
LINE = "vtkMRMLMarkupsLineNode"


@pytest.fixture
def logic(user):
    return user.module.widget.logic


@pytest.fixture
def scene(slicer_host):
    return slicer_host.mrmlScene


@pytest.fixture
def port(user, unused_port) -> int:
    """The port on which the user serves the scene."""
    user.ui.servePortSpinBox.value = unused_port
    user.press(user.ui.serveButton)
    return unused_port


@pytest.fixture
def elsewhere(user):
    """Does something in another thread, as another program would; Qt's event loop goes on."""
    with ThreadPoolExecutor(1) as executor:

        def run(work, *arguments):
            future = executor.submit(work, *arguments)
            user.wait_for(future.done, "what is done elsewhere")
            return future.result()

        yield run


@pytest.fixture
def push(elsewhere, port):
    """Sends messages over a connection of their own, and waits until the server has read them."""

    def send(*messages):
        with Peer.connect(port) as peer:
            peer.send(*messages, codec.GetMessage("STATUS"))
            assert isinstance(peer.receive(), codec.StatusMessage)

    return lambda *messages: elsewhere(send, *messages)


def ask(port, question):
    with net.Client("127.0.0.1", port) as client:
        return question(client)


def draw(scene, name="Drawn"):
    node = scene.AddNewNodeByClass(LINE, name)
    for point in (ENTRY, TARGET):
        node.AddControlPoint(*point)
    return node


def add_volume(name):
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    pixels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    slicer.util.updateVolumeFromArray(volume, pixels)
    return pixels


def lines(scene) -> dict[str, list[tuple[float, ...]]]:
    """The points of the lines in the scene, by name."""
    nodes = [
        scene.GetNthNodeByClass(index, LINE) for index in range(scene.GetNumberOfNodesByClass(LINE))
    ]
    return {
        node.GetName(): [
            tuple(node.GetNthControlPointPosition(index))
            for index in range(node.GetNumberOfControlPoints())
        ]
        for node in nodes
    }


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def plans(*items, client="Navigation"):
    return codec.TrajectoryMessage(items=items, device_name=client)


# Out


def test_images_are_listed_and_fetched(port, elsewhere):
    pixels = add_volume("Head")
    (entry,) = elsewhere(ask, port, net.Client.list_images)
    assert (entry.name, entry.size) == ("Head", (4, 3, 2))
    image = elsewhere(ask, port, lambda client: client.get_image(entry.id))
    assert np.array_equal(image.pixels, pixels)


def test_a_line_goes_out_and_comes_back_as_it_was(port, scene, elsewhere, push, user):
    node = draw(scene)
    (item,) = elsewhere(ask, port, net.Client.get_trajectories)
    expected = [tuple(np.float32(point).astype(float)) for point in (ENTRY, TARGET)]
    assert [item.entry, item.target] == expected
    scene.RemoveNode(node)
    push(plans(item))
    user.wait_for_status("from Navigation is shown")
    assert lines(scene) == {"Drawn": expected}
    (again,) = elsewhere(ask, port, net.Client.get_trajectories)
    assert (again.entry, again.target, again.name) == (item.entry, item.target, item.name)


# In


def test_what_a_client_sends_is_shown_and_it_is_said_who_sent_it(push, scene, user):
    push(plans(line("1"), line("2")))
    user.wait_for_status("2 trajectories from Navigation are shown.")
    assert lines(scene) == {name: [(10, 20, 130), (10, 20, 30)] for name in "12"}


def test_a_line_that_comes_again_moves(push, scene, user):
    push(plans(line("1")))
    user.wait_for_status("is shown")
    push(plans(line("1", target=(0.0, 0.0, 7.0))))
    user.wait_for(lambda: lines(scene) == {"1": [(10, 20, 130), (0, 0, 7)]}, "the move")


def test_lines_that_are_sent_one_by_one_are_all_shown(push, scene, user):
    push(*[plans(line(str(number))) for number in range(30)])
    user.wait_for_status("30 trajectories from Navigation")
    assert len(lines(scene)) == 30


def test_after_serving_anew_a_line_moves_and_the_others_stay(port, push, scene, user, logic):
    push(plans(line("1"), line("2")))
    user.wait_for_status("2 trajectories")
    logic.stopServer()
    logic.startServer(port)
    push(plans(line("1", target=(0.0, 0.0, 7.0))))
    there = [(10, 20, 130), (10, 20, 30)]
    moved = [(10, 20, 130), (0, 0, 7)]
    user.wait_for(lambda: lines(scene) == {"1": moved, "2": there}, "the move")
    assert scene.GetNumberOfNodesByClass(LINE) == 2


def test_each_client_has_lines_of_its_own(push, scene, user):
    push(plans(line("1")), plans(line("1"), client="Robot"))
    user.wait_for(lambda: scene.GetNumberOfNodesByClass(LINE) == 2, "both lines")


def test_points_are_shown(push, user):
    push(codec.PointMessage([codec.PointItem("Nasion", position=(1, 2, 3))], device_name="Tracker"))
    user.wait_for_status("One point from Tracker is shown.")


def test_what_cannot_be_shown_is_said(push, scene, user):
    push(plans(line("1"), line("2", target=(float("nan"), 0.0, 0.0))))
    user.wait_for_status("Not shown: ")
    assert list(lines(scene)) == ["1"]


def test_other_messages_and_too_many_lines_do_no_harm(push, scene, user, monkeypatch):
    monkeypatch.setattr("IGTLMetaBrowserLib.scene.markups.received_plans.MOST_TRAJECTORIES", 2)
    push(codec.StringMessage("hello"), plans(*[line(str(number)) for number in range(3)]))
    push(plans(line("good")))
    user.wait_for_status("is shown")
    assert list(lines(scene)) == ["good"]


def test_what_the_reference_client_sends_is_shown(port, scene, user, elsewhere, tmp_path):
    if reason := reference_library.why_missing():
        pytest.skip(reason)
    program = reference_library.build_example("Trajectory/TrajectoryClient", tmp_path)
    elsewhere(lambda: subprocess.run([program, "127.0.0.1", str(port)], check=True, timeout=30))
    user.wait_for_status("3 trajectories from TrajectorySender are shown.")
    # Its type says that only the target is planned, although the entry is set, too.
    targets = [slicer.util.getNode(f"TRAJECTORY_{number}") for number in range(3)]
    assert [node.GetClassName() for node in targets] == ["vtkMRMLMarkupsFiducialNode"] * 3
    places = [tuple(node.GetNthControlPointPosition(0)) for node in targets]
    assert places[:2] == [(20, 20, 40), (10, 40, 20)]


# The button, and scripts


def test_the_window_says_where_and_stops(port, user, logic):
    assert user.ui.servingLabel.text == "On 127.0.0.1"
    assert user.ui.servePortSpinBox.value == port
    assert user.ui.serveButton.checked
    assert is_listening(port)
    user.press(user.ui.serveButton)
    assert (user.ui.servingLabel.text, user.ui.serveButton.checked) == ("", False)
    assert not is_listening(port)


def test_a_port_that_is_taken_is_said(user, small_server, unused_port):
    user.ui.servePortSpinBox.value = small_server
    user.press(user.ui.serveButton)
    assert user.ui.servingLabel.text == "Not served"
    assert user.status == (
        f"Port {small_server} is in use already. "
        "Choose another port, or stop the program that uses it."
    )
    assert not user.ui.serveButton.checked
    user.ui.servePortSpinBox.value = unused_port
    user.press(user.ui.serveButton)
    assert is_listening(unused_port)


def test_a_script_gets_host_and_port_and_the_window_shows_them(logic, user):
    host, port = logic.startServer(port=0)  # any other than in the window
    assert host == "127.0.0.1"
    assert user.ui.servingLabel.toolTip == f"<p>On 127.0.0.1:{port}</p>"
    logic.stopServer()
    assert not is_listening(port)


def test_a_script_is_told_what_is_wrong(logic, small_server):
    with pytest.raises(OSError, match="in use already") as raised:
        logic.startServer(small_server)
    assert raised.value.errno == errno.EADDRINUSE


def test_a_script_may_wait_for_the_scene_that_it_serves(logic, scene):
    # Both ends are in one thread: while the script waits, the server has to go on.
    add_volume("Head")
    draw(scene)
    logic.connectToServer(*logic.startServer(port=0))
    assert [entry.name for entry in logic.listImages()] == ["Head"]
    assert [node.GetName() for node in logic.loadTrajectories()] == ["Drawn"]


def test_closing_the_scene_ends_it(port, scene, user, push):
    push(plans(*[line(str(number)) for number in range(30)]))
    scene.Clear(0)
    assert not is_listening(port)
    assert not user.ui.serveButton.checked
    assert lines(scene) == {}


def test_a_reload_leaves_no_sockets(user, unused_port):
    user.module.reload()
    before = open_sockets()  # among them what earlier tests left, which may be closed meanwhile
    for _ in range(2):
        user.ui.servePortSpinBox.value = unused_port
        user.press(user.ui.serveButton)
        with socket.create_connection(("127.0.0.1", unused_port)):
            wait_until(lambda: len(open_sockets() - before) >= 3, 20, "both ends")
            user.module.reload()
        assert not open_sockets() - before
        assert not is_listening(unused_port)
