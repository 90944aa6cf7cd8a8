"""A server and what talks to it, client or browser, through a network that does wrong."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from helpers.certificates import Authority
from helpers.peers import TRAJECTORY, ServerInThread, wait_for_socket
from hostile.conversation import (
    IMAGES,
    LONG_TIMEOUTS,
    TIMEOUTS,
    Archive,
    browse,
    check_received,
    converse,
)
from hostile.fault_proxy import Fault, FaultProxy
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.net.client import parts_transfer
from IGTLMetaBrowserLib.scene.server_nodes.attributes import KEY_ATTRIBUTE


@dataclass(frozen=True)
class Way:
    """How a conversation is had; ``in_parts``: a browser asks for thumbnails and coarse parts."""

    is_tls: bool
    is_browser: bool
    in_parts: bool = False

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        """Let images that are small, and soon there, come in parts: a coarse one, then slices."""
        with contextlib.ExitStack() as stack:
            if self.in_parts:
                from IGTLMetaBrowserLib.browser.downloads import part_downloads

                stack.enter_context(patch.object(part_downloads, "_FEWEST_BYTES", 0))
                stack.enter_context(patch.object(part_downloads, "_SECONDS_WITHOUT_PREVIEW", 0.0))
                stack.enter_context(patch.object(parts_transfer, "_FIRST_SLAB_BYTES", 1))
            yield


WAYS = {
    "plain client": Way(False, False),
    "TLS client": Way(True, False),
    "plain browser": Way(False, True),
    "TLS browser": Way(True, True),
    "plain browser in parts": Way(False, True, in_parts=True),
    "TLS browser in parts": Way(True, True, in_parts=True),
}

# VTK is not made for several threads at once. Who waits for the network lets another rig go on.
_scenes = threading.Lock()


class Rig:
    """A server, and what talks to it through a proxy. Several threads can have one each.

    ``has_done_fault``: whether the last conversation got as far as its fault.
    """

    def __init__(self, way: str, folder: Path) -> None:
        self._way = WAYS[way]
        self._source = Archive()
        self._options: dict[str, Any] = {}
        server_options: dict[str, Any] = {}
        if self._way.is_tls:
            authority = Authority.make(folder)
            server_options["tls"] = net.ServerTLS(authority.issue("127.0.0.1")).make_context()
            self._options["tls"] = net.ClientTLS(authority.file)
        self._server = ServerInThread(self._source, is_waited_for=False, **server_options)
        self.passed = [0, 0]
        self.has_done_fault = False

    def __enter__(self) -> Rig:
        self._server.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.__exit__(*error)

    def try_one(self, fault: Fault | None) -> list[str]:
        """Have one conversation; return what failed in it, in words. Raises what is wrong."""
        self._source.received.clear()
        with FaultProxy(self._server.port, fault) as proxy:
            has = self._browse if self._way.is_browser else self._converse
            words = has(proxy.port, {**self._options, **_timeouts(fault)})
        self.passed, self.has_done_fault = proxy.passed, proxy.has_done_fault
        check_received(self._source.received)
        return words

    def _converse(self, port: int, options: dict[str, Any]) -> list[str]:
        return converse(port, **options)

    def _browse(self, port: int, options: dict[str, Any]) -> list[str]:
        import slicer

        from IGTLMetaBrowserLib.browser.browser import Browser

        with _scenes:
            scene = slicer.vtkMRMLScene()
            slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)
            browser = Browser(scene)
            try:
                words = browse(browser, port, _wait, self._way.in_parts, **options)
                volumes = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
                assert volumes <= len(IMAGES), "a second node"
                _check_lines(scene, words)
            finally:
                browser.close()
        return words


def _timeouts(fault: Fault | None) -> dict[str, float]:
    """Return the time-outs of a conversation: short only if something can be lost in it."""
    return LONG_TIMEOUTS if fault is None or fault.kind in ("delay", "drip") else TIMEOUTS


def _wait(browser: Any) -> None:
    """Wait until the browser has something to do, and let other rigs use their scenes."""
    _scenes.release()
    try:
        wait_for_socket(browser)
    finally:
        _scenes.acquire()


def _check_lines(scene: Any, words: Sequence[str]) -> None:
    """Fail if there is another line than that of the trajectory, or a second one of the server.

    A line that came before the connection was lost is the user's own, beside that of the new one,
    if the server did not say in time whose images it has now; this is said.
    """
    count = scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode")
    lines = [scene.GetNthNodeByClass(number, "vtkMRMLMarkupsLineNode") for number in range(count)]
    of_server = [line for line in lines if line.GetAttribute(KEY_ATTRIBUTE)]
    assert len(of_server) <= 1, "a second line"
    is_said = any("without a list" in one for one in words)
    assert len(lines) == len(of_server) or is_said, "a line of nobody"
    for line in lines:
        points = [
            line.GetNthControlPointPosition(n) for n in range(line.GetNumberOfControlPoints())
        ]
        assert points == [TRAJECTORY.entry, TRAJECTORY.target], "a wrong line"
