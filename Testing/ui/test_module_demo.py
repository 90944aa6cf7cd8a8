"""The demo endpoint: one click, and the module browses a server that it has started itself."""

from __future__ import annotations

import socket

import pytest
from PySide6.QtCore import QTimer

from IGTLMetaBrowserLib.net import ConnectionFailedError
from IGTLMetaBrowserLib.scene.server_nodes.attributes import SERVER_ATTRIBUTE as SERVER
from slicerhost import wait_until


@pytest.fixture
def browser(user):
    return user.module.widget.logic.browser


@pytest.fixture
def demo_user(user, browser):
    """A user who has pressed Demo, and sees the list."""
    user.press(user.ui.demoButton)
    wait_until(lambda: len(browser.images.listing.entries) == 3, 20, "the demo's list of images")
    return user


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_one_click_lists_the_phantoms_images(demo_user, browser):
    assert [entry.id for entry in browser.images.listing.entries] == [
        "DEMO_CT",
        "DEMO_MR",
        "DEMO_PT",
    ]


def test_it_is_on_loopback_and_the_users_own_server_stays_filled_in(demo_user, browser):
    assert browser.connection.host_and_port[0] == "127.0.0.1"
    demo_user.module.exit()
    demo_user.module.enter()
    parameters = demo_user.module.widget.logic.getParameterNode()
    assert (parameters.host, parameters.port) == ("localhost", 18944)
    assert (demo_user.ui.hostLineEdit.text, demo_user.ui.portSpinBox.value) == ("localhost", 18944)


def test_it_is_not_among_the_servers_that_worked(demo_user):
    from IGTLMetaBrowserLib.ui.connection.endpoint_history import EndpointHistory

    assert EndpointHistory().endpoints() == []


def test_the_event_loop_goes_on_while_the_phantom_is_computed(demo_user, browser):
    turns = []
    timer = QTimer()
    timer.timeout.connect(lambda: turns.append(browser.images.node("DEMO_CT") is not None))
    timer.start(0)
    browser.request_images(["DEMO_CT"])
    wait_until(lambda: browser.images.node("DEMO_CT") is not None, 20, "the CT")
    timer.stop()
    # In one piece, it would be computed between two turns of the loop or three.
    assert turns.count(False) > 10


def test_all_its_images_and_trajectories_can_be_loaded(demo_user, browser, slicer_host):
    browser.request_images([entry.id for entry in browser.images.listing.entries])
    browser.trajectories.request()
    for entry in browser.images.listing.entries:
        wait_until(lambda entry=entry: browser.images.node(entry.id) is not None, 20, entry.name)
        assert browser.images.node(entry.id).GetImageData().GetDimensions() == tuple(entry.size)
    lines = "vtkMRMLMarkupsLineNode"
    scene = slicer_host.mrmlScene
    wait_until(lambda: scene.GetNumberOfNodesByClass(lines) == 5, 20, "the lines")


def test_the_button_is_there_where_there_is_no_connection(demo_user, browser):
    assert not demo_user.ui.demoButton.visible
    demo_user.press(demo_user.ui.connectButton)  # it says Disconnect now
    assert demo_user.ui.demoButton.visible


def test_pressed_again_it_is_the_same_endpoint(demo_user, browser):
    first = browser.connection.host_and_port
    demo_user.press(demo_user.ui.connectButton)
    demo_user.press(demo_user.ui.demoButton)
    wait_until(lambda: len(browser.images.listing.entries) == 3, 20, "the list")
    assert browser.connection.host_and_port == first


def test_a_script_may_wait_for_the_demo_of_the_window(demo_user, browser):
    # Both ends are in one thread: while the script waits, the demo has to go on.
    import IGTLMetaBrowser

    logic = IGTLMetaBrowser.IGTLMetaBrowserLogic()
    try:
        logic.connectToServer(*browser.connection.host_and_port)
        assert len(logic.listImages()) == 3
        assert logic.loadImage("DEMO_PT").GetName() == "PET head FDG"
    finally:
        logic.close()


def test_its_images_are_known_again_in_a_saved_scene_although_its_port_is_another(
    demo_user, browser, slicer_host
):
    browser.request_images(["DEMO_PT"])
    wait_until(lambda: browser.images.node("DEMO_PT") is not None, 20, "the PET")
    first, scene = browser.connection.host_and_port, slicer_host.mrmlScene
    assert scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode").GetAttribute(SERVER) == "demo"
    demo_user.press(demo_user.ui.connectButton)
    demo_user.module.widget.logic.demo.stop()
    with socket.socket() as other:
        other.bind(first)  # so that the demo gets another port
        demo_user.press(demo_user.ui.demoButton)
        wait_until(lambda: len(browser.images.listing.entries) == 3, 20, "the list")
    assert browser.connection.host_and_port != first
    assert browser.images.node("DEMO_PT") is not None
    assert demo_user.status == "Demo offers 3 images."


def test_the_endpoint_ends_with_the_module(demo_user, browser):
    _, port = browser.connection.host_and_port
    assert is_listening(port)
    demo_user.module.cleanup()
    assert not is_listening(port)


def test_it_ends_with_the_logic_of_a_script(user):
    import IGTLMetaBrowser

    logic = IGTLMetaBrowser.IGTLMetaBrowserLogic()
    host, port = logic.startDemo()
    logic.close()
    with pytest.raises(ConnectionFailedError, match="check the port"):
        user.module.widget.logic.connectToServer(host, port)
