"""The audit trail of clients that are let in, and ask, or come and go, without end."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any

from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.server.audit import AuditTrail


class Lines(list):
    """Keeps the lines that are written."""

    def write(self, line: str) -> None:
        """Keep a line."""
        self.append(json.loads(line))

    def close(self) -> None:
        """They are kept."""

    def names(self) -> Counter[str]:
        """Return how many events there are of each name."""
        return Counter(line["EventIdentification"]["EventID"]["originalText"] for line in self)

    def last_words(self) -> list[str]:
        """Return what is said of events."""
        found = [line["EventIdentification"].get("EventOutcomeDescription") for line in self]
        return [words for words in found if words]


def objects(line: dict[str, Any]) -> tuple[str, str, int]:
    """Return of which type and id what was sent is, and how many bytes."""
    (thing,) = line["ParticipantObjectIdentification"]
    sizes = {one["type"]: one["value"] for one in thing["ParticipantObjectDetail"]}
    return (
        thing["ParticipantObjectIDTypeCode"],
        thing["ParticipantObjectID"],
        int(sizes.get("bytes", 0)),
    )


def test_who_fetched_what_is_written_once_a_minute_and_how_often_and_how_much_when_it_is_over():
    lines = Lines()
    trail = AuditTrail("test", lines)
    source = ImagesInMemory({"A": make_image(1), "B": make_image(2)})
    with ServerInThread(source, observer=trail) as server, Peer.connect(server.port) as peer:
        for name in [*"A" * 100, "B"]:
            peer.send(codec.GetMessage("IMAGE", device_name=name))
            peer.receive()
    sent = [objects(line) for line in lines if line_name(line) == "DICOM Instances Transferred"]
    size = sent[0][2]
    assert sent == [("IMAGE", "A", size), ("IMAGE", "B", size)]
    trail.stopped()
    assert "sent 99 times more" in lines.last_words()
    again = [objects(line) for line in lines if "times more" in str(line)]
    assert again == [("IMAGE", "A", 99 * size)]


def line_name(line: dict[str, Any]) -> str:
    return line["EventIdentification"]["EventID"]["originalText"]


def test_queries_are_counted_when_there_are_many():
    lines = Lines()
    trail = AuditTrail("test", lines)
    with (
        ServerInThread(ImagesInMemory(), observer=trail) as server,
        Peer.connect(server.port) as peer,
    ):
        for _ in range(200):
            peer.send(codec.GetMessage("CAPABIL"))
            peer.receive()
    assert lines.names()["Query"] == 61
    trail.stopped()
    assert "139 more queries of 127.0.0.1 were left out" in lines.last_words()


def test_they_do_not_hide_that_another_type_was_asked_for_or_sent_or_by_somebody_else():
    lines = Lines()
    trail = AuditTrail("test", lines)
    received = net.ServerEventType.RECEIVED
    for _ in range(100):
        trail(event("CAPABIL"))
        trail(event("POINT", received))
    trail(event("TRAJ"))
    trail(event("TRAJ", certificate="somebody else"))
    trail(event("TRAJ", received))
    assert [(line_name(line), objects(line)[0], user(line)) for line in lines[-3:]] == [
        ("Query", "TRAJ", "192.0.2.1:1"),
        ("Query", "TRAJ", "somebody else"),
        ("Import", "TRAJ", "192.0.2.1:1"),
    ]


def event(
    data_type: str,
    event_type: net.ServerEventType = net.ServerEventType.ANSWERED,
    certificate: str = "",
) -> net.ServerEvent:
    """Return one of a client at one address."""
    return net.ServerEvent(event_type, "192.0.2.1", 1, certificate, data_type)


def user(line: dict[str, Any]) -> str:
    return line["ActiveParticipant"][0]["UserID"]


def test_so_are_those_who_come_and_go():
    lines, all_left = Lines(), threading.Event()
    trail, left = AuditTrail("test", lines), []

    def observe(event: net.ServerEvent) -> None:
        trail(event)
        if event.type is net.ServerEventType.DISCONNECTED:
            left.append(event)
            if len(left) == 100:
                all_left.set()

    with ServerInThread(ImagesInMemory(), observer=observe) as server:
        for _ in range(100):
            with Peer.connect(server.port) as peer:
                peer.send(codec.GetMessage("CAPABIL"))
                peer.receive()
        assert all_left.wait(PATIENCE)
    assert lines.names()["User Authentication"] == 120
    trail.stopped()
    assert {
        "40 more logins of 127.0.0.1 were left out",
        "40 more logouts of 127.0.0.1 were left out",
    } <= {*lines.last_words()}


def test_the_first_of_each_type_is_not_written_for_any_number_of_addresses():
    """Who has networks of IPv6 comes from another address each time."""
    lines = Lines()
    trail = AuditTrail("test", lines)
    for number in range(5000):
        host = f"2001:db8:0:{number:x}::1"
        trail(net.ServerEvent(net.ServerEventType.ANSWERED, host, 5, data_type="STATUS"))
    assert lines.names() == {"Query": 1000 + 600}
    trail.stopped()
    assert any("more queries of" in words for words in lines.last_words())
