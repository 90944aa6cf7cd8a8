"""The settings of each server in the Advanced section."""

from __future__ import annotations

import pytest
import slicer

from helpers.peers import ServerInThread
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import codec, net


@pytest.fixture
def kept(slicer_host):
    """The module that keeps them; it needs Qt."""
    from IGTLMetaBrowserLib.ui.connection import server_settings

    return server_settings


def test_at_first_they_are_the_usual_ones(user):
    ui, usual = user.ui, net.ConnectionSettings()
    assert ui.settingsLabel.text.startswith("Settings for localhost:18944")
    assert ui.coordinatesComboBox.currentText == "As its messages say"
    assert ui.diameterComboBox.currentText == "Diameter"
    assert ui.connectTimeoutSpinBox.value == usual.connect_timeout
    assert ui.answerTimeoutSpinBox.value == usual.answer_timeout
    assert ui.largestImageSpinBox.value == usual.max_body_size >> 20
    assert not ui.missingChecksumCheckBox.checked


def test_they_are_kept_for_one_server_and_used_when_it_is_connected(user):
    with ServerInThread(SmallSource()) as server:
        user.ui.hostLineEdit.text = "127.0.0.1"
        user.ui.portSpinBox.value = server.port
        user.ui.connectTimeoutSpinBox.value = 7
        user.ui.answerTimeoutSpinBox.value = 33
        user.ui.largestImageSpinBox.value = 64
        user.ui.missingChecksumCheckBox.click()
        user.ui.diameterComboBox.currentIndex = 1
        user.ui.portSpinBox.value = 1
        assert user.ui.answerTimeoutSpinBox.value == 15  # that of another server

        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
        assert user.panel.browser.connection.client.settings == net.ConnectionSettings(
            connect_timeout=7.0,
            answer_timeout=33.0,
            max_body_size=64 << 20,
            accept_missing_checksum=True,
            diameter_is_radius=True,
        )
        assert user.ui.answerTimeoutSpinBox.value == 33
        user.press(user.ui.connectButton)


def test_they_are_there_again_in_another_session(user):
    user.ui.answerTimeoutSpinBox.value = 60
    user.module.reload()
    assert user.ui.answerTimeoutSpinBox.value == 60


def test_the_coordinate_system_is_used_from_the_first_message(user, small_server, kept):
    settings = net.ConnectionSettings(coordinates=codec.Coordinates.LPS)
    kept.keepSettings("127.0.0.1", small_server, settings)
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    browser = user.panel.browser
    assert browser.images.in_scene.coordinates is codec.Coordinates.LPS
    assert browser.trajectories.markups.coordinates is codec.Coordinates.LPS


def test_an_address_that_is_being_typed_harms_nothing(user):
    user.ui.hostLineEdit.text = "a b:c"
    user.ui.hostLineEdit.text = "[::1"
    user.ui.hostLineEdit.text = "server"
    assert user.ui.settingsLabel.text.startswith("Settings for server:18944")


@pytest.mark.parametrize(
    "stored", ["{", '{"no_such": 1}', '{"coordinates": "XYZ"}', "[]", "7", "[" * 100_000]
)
def test_settings_that_something_else_wrote_are_the_usual_ones(slicer_host, kept, stored):
    slicer_host.app.settings().setValue("IGTLMetaBrowser/Servers/host:1", stored)
    assert kept.settingsOf("host", 1) == net.ConnectionSettings()


@pytest.mark.parametrize(
    "wrong",
    [
        '"connect_timeout": "x"',
        '"connect_timeout": NaN',
        '"connect_timeout": 1e400',
        '"connect_timeout": -1',
        '"max_body_size": "7"',
        '"max_body_size": 1e300',
        '"coordinates": ""',
        '"coordinates": ["RAS"]',
        '"diameter_is_radius": "yes"',
        '"accept_missing_checksum": "no"',
        '"header_version": 99',
        '"header_version": true',
        '"of_a_newer_version": 1',
    ],
)
def test_a_setting_that_cannot_be_is_the_usual_one_and_the_others_stay(user, kept, wrong):
    stored = f'{{{wrong}, "answer_timeout": 33, "tls": {{"server_name": "theatre"}}}}'
    slicer.app.settings().setValue("IGTLMetaBrowser/Servers/host:1", stored)
    user.ui.portSpinBox.value = 1
    user.ui.hostLineEdit.text = "host"
    assert user.ui.answerTimeoutSpinBox.value == 33
    settings = net.ConnectionSettings(answer_timeout=33, tls=net.ClientTLS(server_name="theatre"))
    assert kept.settingsOf("host", 1) == settings


def test_usual_settings_are_not_kept(slicer_host, kept):
    kept.keepSettings("host", 1, net.ConnectionSettings(coordinates=codec.Coordinates.LPS))
    assert kept.settingsOf("host", 1).coordinates is codec.Coordinates.LPS
    kept.keepSettings("host", 1, net.ConnectionSettings())
    assert slicer_host.app.settings().value("IGTLMetaBrowser/Servers/host:1") is None
