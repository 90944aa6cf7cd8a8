"""A recording that is given away: it names nobody, and has no pixels."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from helpers.clinic import SECRETS, Clinic, clinic_server
from helpers.peers import ImagesInMemory, ServerInThread, make_image
from helpers.recordings import recording, replaying
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.codec.wire import Buffer
from IGTLMetaBrowserLib.net.recording.recorder import Recorder
from IGTLMetaBrowserLib.net.recording.recording import RecordingWriter, read_recording
from IGTLMetaBrowserLib.privacy.redacted_messages import MessageRedactor
from IGTLMetaBrowserLib.privacy.redacting_filters import RedactingFilters


def test_a_deidentified_recording_names_nobody_and_has_no_pixels(tmp_path: Path):
    path = tmp_path / "device.igtl"
    options = {"make_filter": RedactingFilters().make}
    with (
        clinic_server(Clinic()) as server,
        recording(server.port, path, **options) as port,
        net.Client("127.0.0.1", port) as client,
    ):
        # The client itself gets everything.
        assert client.list_images()[0].patient_name == "Lindqvist^Astrid"
        assert client.get_image("HEAD").pixels.any()
        assert client.get_image("LINDQVIST_MR").pixels.any()
        with pytest.raises(net.NetworkError):
            client.get_image("BROKEN")
    sent = b"".join(record.data for record in read_recording(path))
    for secret in (*SECRETS, "Müller", "W-0877", "4711"):
        assert secret.encode() not in sent
    with replaying(path) as client:
        items = client.list_images()
        assert [item.modality for item in items] == ["CT", "MR", "PT", "CT"]
        assert len({item.id for item in items}) == 4
        # Astrid's three images are one patient's still.
        assert [item.patient_id for item in items].count(items[0].patient_id) == 3
        image = client.get_image(items[0].id)
        assert image.whole_size == (4, 3, 2)
        assert not image.pixels.any()


@pytest.mark.parametrize("is_deidentified", [False, True])
def test_parts_and_thumbnails_are_replayed_each_for_its_own_question(
    tmp_path: Path, is_deidentified: bool
):
    path = tmp_path / "device.igtl"
    options = {"make_filter": RedactingFilters().make} if is_deidentified else {}
    slices = [codec.GetImagePartMessage(start=(0, 0, k), size=(0, 0, 1)) for k in (0, 1)]
    with (
        ServerInThread(ImagesInMemory({"A": make_image(1)})) as server,
        recording(server.port, path, **options) as port,
        net.Client("127.0.0.1", port) as client,
    ):
        image_id = client.list_images()[0].id
        real = [client.get_image_part(replace(one, device_name=image_id)) for one in slices]
        shapes = [plane.pixels.shape for plane in client.get_thumbnail(image_id).planes]
    with replaying(path) as client:
        image_id = client.list_images()[0].id
        for number in (1, 0):  # in another order than they were recorded
            part = client.get_image_part(replace(slices[number], device_name=image_id))
            assert part.start == (0, 0, number)
            voxels = 0 if is_deidentified else real[number].voxels()
            assert np.array_equal(part.voxels(), np.broadcast_to(voxels, part.shape))
        assert [p.pixels.shape for p in client.get_thumbnail(image_id).planes] == shapes


@pytest.mark.parametrize(
    "message",
    [
        codec.StringMessage("Lindqvist"),
        codec.CommandMessage(1, "Lindqvist"),
        codec.PointMessage([codec.PointItem("Lindqvist", "Landmarks")]),
        codec.TrajectoryMessage([codec.TrajectoryItem("Left", "Lindqvist")]),
        codec.ImageMetaMessage([codec.ImageMetaItem("Head", "1", "Lindqvist")]),
        codec.LabelMetaMessage([codec.LabelMetaItem("Lindqvist", "LABEL")]),
        codec.UnknownMessage("ODD", b"Lindqvist"),
        codec.StatusMessage(message="Lindqvist", error_name="Lindqvist"),
        codec.TransformMessage(device_name="Lindqvist"),
        codec.StringMessage("", header_version=2, metadata={"Patient": "Lindqvist"}),
        codec.ImagePartMessage(b"Lindqvist", codec.ScalarType.UINT8, (9, 1, 1), size=(9, 1, 1)),
        codec.GetImagePartMessage(tag="Lindqvist", device_name="Lindqvist"),
        codec.ThumbnailMessage(
            [codec.ThumbnailPlane(np.frombuffer(b"Lindqvist", np.uint8).reshape(1, 9))]
        ),
    ],
    ids=lambda message: message.type_name,
)
def test_messages_without_names(message: codec.Message):
    message.timestamp = codec.Timestamp.from_seconds(1_000_000_000)  # when an image was taken
    redacted = codec.pack(MessageRedactor().redact(message))
    assert b"Lindqvist" not in redacted
    assert codec.unpack(redacted).type_name == message.type_name
    assert codec.unpack(redacted).timestamp == 0


def test_a_compressed_part_is_not_made_as_large_as_it_claims():
    size = (1024, 1024, 256)  # 2 GiB of doubles, in two million bytes
    encoding = codec.PartEncoding.ZIGZAG_DELTAS
    part = codec.ImagePartMessage(
        bytes(2_200_000), codec.ScalarType.FLOAT64, size, size=size, encoding=encoding
    )
    redacted = MessageRedactor().redact(part)
    assert isinstance(redacted, codec.UnknownMessage)
    assert 2_200_000 < len(codec.pack(redacted)) < 2_300_000
    assert not any(redacted.content)


# In bytes


def filtered(filter_: Callable[[bytes], Iterable[bytes]], data: bytes) -> bytes:
    return b"".join(map(bytes, filter_(data)))


def test_a_large_image_is_redacted_whole_and_takes_no_memory_twice():
    image = make_image(1, (256, 256, 600))
    kept = list(RedactingFilters().make()(codec.pack(image)))
    assert max(map(len, kept)) == image.pixels.nbytes  # its zeros are no copy of anything
    redacted = codec.unpack(b"".join(map(bytes, kept)))
    assert redacted.whole_size == (256, 256, 600)
    assert not redacted.pixels.any()


def test_messages_that_come_in_part_have_little_memory_together(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Of many clients who ask for a large image, and read nothing of its end."""
    monkeypatch.setattr("IGTLMetaBrowserLib.privacy.redacting_filters._MOST_UNFINISHED", 4 << 20)
    filters = RedactingFilters()
    image = codec.pack(make_image(1, (256, 256, 16)))
    beginning, rest = image[: 3 << 19], image[3 << 19 :]
    ends = [filters.make() for _ in range(5)]
    for end in ends:
        assert filtered(end, beginning) == b""
    assert sum(end.unfinished for end in ends) <= 4 << 20
    assert "is not recorded" in caplog.text
    given_up = [not filtered(end, rest) for end in ends]
    assert 0 < sum(given_up) < 5
    # What comes after it is recorded again.
    assert all(filtered(end, codec.pack(codec.StatusMessage())) for end in ends)


def test_ever_new_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    """Beyond a million they are told apart by a hash, whose key nobody has."""
    monkeypatch.setattr("IGTLMetaBrowserLib.privacy.redacted_messages._MOST_NUMBERED", 2)

    def redacted(redactor: MessageRedactor, name: str) -> str:
        return redactor.redact(codec.StatusMessage(device_name=name)).device_name

    one, other = MessageRedactor(), MessageRedactor()
    names = [redacted(one, name) for name in "ABCDCA"]
    assert names[:2] == ["id 1", "id 2"]
    assert names[4:] == [names[2], names[0]]
    assert len(set(names)) == 4
    assert [redacted(other, name) for name in "ABC"][2] != names[2]


LONG = codec.TrajectoryMessage([codec.TrajectoryItem("Lindqvist")] * 40_000)


@cache
def large_image() -> codec.ImageMessage:
    """Made by the first test that wants it, not by all processes that collect this file."""
    return make_image(1, (512, 512, 200))


@contextmanager
def redacting_recorder(path: Path) -> Iterator[tuple[Recorder, socket.socket, list[int]]]:
    """Yield a recorder that redacts, the server behind it, and how many bytes it makes at a time.

    For a test that takes its steps: what is made of a message begins when that is whole.
    """
    made: list[int] = []
    make = RedactingFilters().make

    def noting() -> Callable[[bytes], Iterator[Buffer]]:
        keep = make()

        def noted(data: bytes) -> Iterator[Buffer]:
            for piece in keep(data):
                made.append(len(piece))
                yield piece

        return noted

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        closing(RecordingWriter(path)) as writer,
        closing(Recorder(server.getsockname(), writer, make_filter=noting)) as recorder,
    ):
        yield recorder, server, made


def connected(recorder: Recorder, server: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection through the recorder."""
    client = socket.create_connection(("127.0.0.1", recorder.port))
    while not is_readable(server):
        recorder.step(0.01)
    return client, server.accept()[0]


def passed_on(data: bytes, client: socket.socket, there: socket.socket) -> threading.Thread:
    """Send data, and no more, and have it received, in threads; return the one that receives."""

    def send() -> None:
        with suppress(OSError):  # of a socket that is closed, as the test has seen enough
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def receive() -> None:
        with suppress(OSError):
            while there.recv(1 << 20):
                pass

    threading.Thread(target=send, daemon=True).start()
    receiver = threading.Thread(target=receive, daemon=True)
    receiver.start()
    return receiver


@pytest.mark.parametrize("make_large", [large_image, lambda: LONG], ids=["image", "plan"])
def test_while_a_large_message_is_redacted_others_are_handed_on(
    tmp_path: Path, make_large: Callable[[], codec.Message]
):
    """512 MiB take seconds, in which navigation goes on."""
    with redacting_recorder(tmp_path / "device.igtl") as (recorder, server, made):
        client, there = connected(recorder, server)
        other, other_there = connected(recorder, server)
        with client, there, other, other_there:
            passed_on(codec.pack(make_large()), client, there)
            while not made:
                recorder.step(0.01)
            other.sendall(codec.pack(codec.StatusMessage()))
            while not is_readable(other_there):
                recorder.step(0.01)
            assert recorder._relay.is_busy


def test_what_is_sent_last_is_recorded_though_it_is_redacted_for_long(tmp_path: Path):
    path = tmp_path / "device.igtl"
    with redacting_recorder(path) as (recorder, server, _):
        client, there = connected(recorder, server)
        with client, there:
            receiver = passed_on(codec.pack(large_image()), client, there)
            while receiver.is_alive():
                recorder.step(0.01)
    sent = b"".join(record.data for record in read_recording(path))
    (image,) = messages_in(sent)
    assert (image.pixels.shape, image.pixels.any()) == (large_image().pixels.shape, False)


def messages_in(data: bytes) -> list[codec.Message]:
    receiver, messages = codec.Receiver(), []
    view = memoryview(data)
    while view:
        buffer = receiver.get_buffer()
        count = min(len(buffer), len(view))
        buffer[:count], view = view[:count], view[count:]
        messages += receiver.buffer_updated(count)
    return messages
