"""What the audit trail says of those who fetch parts of an image, or see what it looks like."""

from __future__ import annotations

import json

from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.server.audit import AuditTrail


class Lines(list):
    """Keeps the lines that are written."""

    def write(self, line: str) -> None:
        """Keep a line."""
        self.append(json.loads(line))


def test_they_are_images_that_were_sent():
    lines = Lines()
    source = ImagesInMemory({"A": make_image(1)})
    trail = AuditTrail("test", lines)
    with ServerInThread(source, observer=trail) as server, server.client() as client:
        client.get_image_part(codec.GetImagePartMessage(device_name="A"))
        client.get_thumbnail("A")
    sent = [
        line["ParticipantObjectIdentification"][0]
        for line in lines
        if line["EventIdentification"]["EventID"]["csd-code"] == "110104"
    ]
    assert [thing["ParticipantObjectIDTypeCode"] for thing in sent] == ["IMGPART", "IMGTHUMB"]
    assert {thing["ParticipantObjectID"] for thing in sent} == {"A"}
