"""A browser, its scene, what it tells, and a hospital's server for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import slicer

from helpers.hospital import Hospital
from helpers.one_patient import Clinic
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.downloads import part_downloads


@pytest.fixture
def hospital() -> Hospital:
    return Hospital()


@pytest.fixture
def server(hospital: Hospital) -> Iterator[ServerInThread]:
    with ServerInThread(hospital) as server:
        yield server


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture
def clinic_server(clinic: Clinic) -> Iterator[ServerInThread]:
    with ServerInThread(clinic) as server:
        yield server


@pytest.fixture
def unconnected(scene: slicer.vtkMRMLScene) -> Iterator[Browser]:
    browser = Browser(scene)
    yield browser
    browser.close()


@pytest.fixture
def late(scene: slicer.vtkMRMLScene) -> Iterator[Browser]:
    """A browser that has shown no image of the scene."""
    browser = Browser(scene)
    yield browser
    browser.close()


@pytest.fixture
def events(unconnected: Browser) -> list:
    """Everything that the browser has told so far."""
    events: list = []
    unconnected.add_observer(events.append)
    return events


@pytest.fixture
def browser(unconnected: Browser, events: list, server: ServerInThread) -> Browser:
    """A browser that is connected to the hospital's server and has its list."""
    unconnected.connect(server.host, server.port)
    unconnected.wait_until_connected()
    unconnected.list_images()
    events.clear()
    return unconnected


@pytest.fixture
def closed_port(reserved_port: int) -> int:
    """A port on which nobody listens."""
    return reserved_port


@pytest.fixture
def previews_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show previews of images that arrive quickly, too, and each change of them."""
    monkeypatch.setattr(part_downloads, "_SECONDS_WITHOUT_PREVIEW", 0.0)
    monkeypatch.setattr(part_downloads, "_SECONDS_BETWEEN_DRAWINGS", 0.0)
    monkeypatch.setattr(part_downloads, "_LEAST_DRAWN", 0.01)
