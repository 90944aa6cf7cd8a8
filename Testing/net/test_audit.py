"""The audit trail of a server whose clients are refused, and whose file is moved away."""

from __future__ import annotations

import ipaddress
import json
import threading

from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.net.audit import AuditTrail

ELSEWHERE = [ipaddress.ip_network("192.0.2.0/24")]


class Lines(list):
    """Keeps the names of the events that are written."""

    def write(self, line: str) -> None:
        """Keep a line."""
        self.append(json.loads(line)["EventIdentification"]["EventID"]["originalText"])


def test_who_was_never_let_in_does_not_log_out():
    """The window's list of clients is notified all the same."""
    lines, has_left = Lines(), threading.Event()
    trail = AuditTrail("test", lines)

    def observe(event: net.ServerEvent) -> None:
        trail(event)
        if event.type is net.ServerEventType.DISCONNECTED:
            has_left.set()

    limits = net.ServerLimits(allowed_networks=ELSEWHERE)
    with ServerInThread(ImagesInMemory(), limits=limits, observer=observe) as server:
        with Peer.connect(server.port) as peer:
            peer.receive()  # why not
        assert has_left.wait(PATIENCE)
    assert lines == ["Security Alert"]
