"""A recording that is given away: it names nobody, and has no pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.clinic import SECRETS, Clinic, clinic_server
from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.recording.recording import read_recording
from IGTLMetaBrowserLib.privacy.redacted_messages import MessageRedactor
from IGTLMetaBrowserLib.privacy.redacting_filters import RedactingFilters
from net.recording.test_recording import recording, replaying


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
    assert min(map(len, kept)) > 0  # each becomes a record
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
