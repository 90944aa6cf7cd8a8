"""Scenes that are served in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.browser.endpoints.scene_server import SceneServer


def asked(server: SceneServer, ask: Callable[[net.Client], Any], **settings: Any) -> Any:
    """Return what another program gets, while this one serves."""

    def run() -> Any:
        with net.Client(server.host, server.port, **settings) as client:
            return ask(client)

    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(run)
        while not future.done():
            server.step(0.01)
    # A refused client knows before the server that its connection has ended.
    while any(client.is_connected for client in server.summaries):
        server.step(0.01)
    return future.result()
