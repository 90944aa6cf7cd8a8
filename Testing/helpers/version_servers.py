"""Servers that answer in the header versions a test wants, and note in which they are asked."""

from __future__ import annotations

from collections.abc import Callable

from helpers.peers import Peer, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.header_versions import server_version

METADATA = {"micronsPerPixel": "198", "StudyDescription": "Abdomen"}
ENTRY = codec.ImageMetaItem(id="US1", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16)


class RawServer:
    """Script: answers lists and images, and notes version and type of all it is asked.

    ``version_of_answer`` returns the version for an answer, of the version of the question and the
    highest that was seen. A version-1 server reads headers alone, as old ones do.
    """

    def __init__(self, version_of_answer: Callable[[int, int], int], reads_bodies: bool) -> None:
        self.asked: list[tuple[int, str]] = []
        self._version_of_answer = version_of_answer
        self._reads_bodies = reads_bodies
        self._highest = 1

    def __call__(self, peer: Peer) -> None:
        while True:
            question = codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE))
            if self._reads_bodies and question.body_size:
                peer.receive_bytes(question.body_size)
            self.asked.append((question.version, question.type_name))
            self._highest = max(self._highest, question.version)
            self.answer(peer, question)

    def answer(self, peer: Peer, question: codec.Header) -> None:
        """Send the answer to a question, in the version that is wanted of it."""
        version = self._version_of_answer(question.version, self._highest)
        fields = {"header_version": version, "metadata": METADATA if version == 2 else {}}
        if question.type_name == "GET_IMGMETA":
            peer.send(codec.ImageMetaMessage(items=[ENTRY], **fields))
        elif question.type_name == "GET_IMAGE":
            image = make_image(7, device_name=question.device_name)
            image.header_version, image.metadata = version, fields["metadata"]
            peer.send(image)
        elif question.type_name == "GET_STATUS" and version == 2:
            peer.send(codec.StatusMessage(header_version=2))


def speaks_version_2(client: net.Client) -> bool:
    """Whether it is known of the client's server."""
    return bool(server_version(client.host, client.port).speaks_2)


def speaks_highest_seen(_asked: int, highest: int) -> int:
    return highest


def speaks_as_asked(asked: int, _highest: int) -> int:
    return asked


def speaks_2_always(_asked: int, _highest: int) -> int:
    return 2


def speaks_1_only(_asked: int, _highest: int) -> int:
    return 1
