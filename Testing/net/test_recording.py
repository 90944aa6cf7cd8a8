"""A conversation recorded between a client and a server, and replayed without the server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.certificates import Authority
from helpers.clinic import SECRETS, Clinic, clinic_server
from helpers.peers import (
    PATIENCE,
    TRAJECTORY,
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
    step_until,
)
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.recorder import Recorder
from IGTLMetaBrowserLib.net.recording import (
    Event,
    Record,
    RecordingError,
    RecordingWriter,
    read_recording,
)
from IGTLMetaBrowserLib.net.replay import ReplayServer
from IGTLMetaBrowserLib.net.script import make_scripts
from IGTLMetaBrowserLib.net.tls_server import FIRST_BYTE
from IGTLMetaBrowserLib.privacy.redacted_messages import MessageRedactor, redacting_filter
from net.test_server_in_event_loop import no_more_descriptors


@contextmanager
def stepped(server: Any) -> Iterator[Any]:
    """Step a recorder or a replay in a thread."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            server.step(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server
    finally:
        is_over.set()
        thread.join()
        server.close()


@contextmanager
def recording(port: int, file: Path, **options: Any) -> Iterator[int]:
    """Record what goes to the server at ``port``; yield where clients connect instead."""
    writer = RecordingWriter(file)
    with stepped(Recorder(("127.0.0.1", port), writer, **options)) as recorder:
        yield recorder.port
    writer.close()


@contextmanager
def replaying(file: Path, speed: float = 100.0) -> Iterator[net.Client]:
    """Yield a client of the server that was recorded."""
    server = ReplayServer(make_scripts(read_recording(file)), speed=speed)
    with stepped(server), net.Client("127.0.0.1", server.port, answer_timeout=PATIENCE) as client:
        yield client


IMAGES = {"A": make_image(5), "LARGE": make_image(3, (128, 128, 64))}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recording of a list, two images, a refusal and trajectories."""
    path = tmp_path / "device.igtl"
    with (
        ServerInThread(ImagesInMemory(IMAGES, [TRAJECTORY])) as server,
        recording(server.port, path) as port,
        net.Client("127.0.0.1", port) as client,
    ):
        assert len(client.list_images()) == 2
        for image_id, image in IMAGES.items():
            assert np.array_equal(client.get_image(image_id).pixels, image.pixels)
        with pytest.raises(net.RefusedError):
            client.get_image("Z")
        client.get_trajectories()
    return path


def test_the_replayed_server_answers_as_the_recorded_one(file: Path):
    with replaying(file) as client:
        assert [item.id for item in client.list_images()] == ["A", "LARGE"]
        assert client.get_trajectories() == [TRAJECTORY]
        # In another order, and again.
        for image_id in ("LARGE", "A", "LARGE"):
            assert np.array_equal(client.get_image(image_id).pixels, IMAGES[image_id].pixels)
        with pytest.raises(net.RefusedError, match="there is no image 'Z' here"):
            client.get_image("Z")


def test_over_ipv6(file: Path, tmp_path: Path):
    try:
        replay = ReplayServer(make_scripts(read_recording(file)), "::1", speed=100.0)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback address: {error}")
    writer = RecordingWriter(tmp_path / "again.igtl")
    recorder = Recorder(("::1", replay.port), writer, "::1")
    with stepped(replay), stepped(recorder), net.Client("::1", recorder.port) as client:
        assert len(client.list_images()) == 2
    writer.close()


def test_without_descriptors_clients_wait(file: Path, tmp_path: Path):
    """As when a port scanner has taken all of them: nothing ends."""
    replay = ReplayServer(make_scripts(read_recording(file)), speed=100.0)
    writer = RecordingWriter(tmp_path / "again.igtl")
    recorder = Recorder(("127.0.0.1", replay.port), writer)
    with socket.create_connection(("127.0.0.1", recorder.port)):
        with socket.create_connection(("127.0.0.1", replay.port)), no_more_descriptors():
            recorder.step(1.0)
            replay.step(1.0)
        with stepped(replay), stepped(recorder), net.Client("127.0.0.1", recorder.port) as client:
            assert len(client.list_images()) == 2
    writer.close()


def test_silent_tls_handshakes_keep_nobody_waiting(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of port scanners that connect and say nothing; they are dropped after a while."""
    authority = Authority.make(tmp_path / "authority")
    tls = net.ServerTLS(authority.issue("127.0.0.1")).make_context()
    replay = ReplayServer(make_scripts(read_recording(file)), speed=100.0, tls=tls)
    client_tls = net.ClientTLS(authority.file)
    writer = RecordingWriter(tmp_path / "again.igtl")
    recorder = Recorder(("127.0.0.1", replay.port), writer, tls=tls, server_tls=client_tls)
    with stepped(replay), stepped(recorder), ExitStack() as stack:
        silent = [
            stack.enter_context(Peer.connect(server.port)) for server in (replay, recorder) * 3
        ]
        for server in (replay, recorder):
            with net.Client("127.0.0.1", server.port, tls=client_tls) as client:
                assert len(client.list_images()) == 2
        monkeypatch.setattr("IGTLMetaBrowserLib.net.acceptor.HANDSHAKE_SECONDS", 0.0)
        for peer in silent:
            peer.wait_until_closed()
    writer.close()


def test_a_server_that_is_silent_keeps_clients_that_it_serves_not_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It takes the second connection, and does not go on with its TLS handshake."""
    monkeypatch.setattr("IGTLMetaBrowserLib.net.recorder._CONNECT_SECONDS", 10 * PATIENCE)
    authority = Authority.make(tmp_path)
    tls = net.ServerTLS(authority.issue("127.0.0.1")).make_context()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = stack.enter_context(ThreadPoolExecutor(1)).submit(
            lambda: tls.wrap_socket(listener.accept()[0], server_side=True)
        )
        options = {"server_tls": net.ClientTLS(authority.file)}
        port = stack.enter_context(
            recording(listener.getsockname()[1], tmp_path / "device.igtl", **options)
        )
        first = stack.enter_context(Peer.connect(port))
        sock = stack.enter_context(server.result(PATIENCE))
        second = stack.enter_context(Peer.connect(port))
        waiting = stack.enter_context(listener.accept()[0])  # it has connected for the second
        second.send(b"hello")
        for _ in range(2):
            first.send(b"ping")
            sock.sendall(sock.recv(4))
            assert first.socket.recv(4) == b"ping"
        assert waiting.recv(1) == FIRST_BYTE


def test_what_was_never_asked_is_not_answered(file: Path, caplog: pytest.LogCaptureFixture):
    with replaying(file) as client:
        query = client.ask("IMAGE", "B")
        step_until(client, lambda: "GET_IMAGE is not in the recording" in caplog.text)
        assert not query.is_done


def test_what_a_server_pushes_comes_again_in_its_order(tmp_path: Path):
    def push(peer: Peer) -> None:
        for number in range(5):
            peer.send(codec.TransformMessage(device_name=f"{number}"))
        peer.wait_until_closed()

    path = tmp_path / "device.igtl"
    with (
        ScriptedServer(push) as server,
        recording(server.port, path) as port,
        Peer.connect(port) as peer,
    ):
        names = [peer.receive().device_name for _ in range(5)]
    server = ReplayServer(make_scripts(read_recording(path)), speed=100.0)
    with stepped(server), Peer.connect(server.port) as peer:
        assert [peer.receive().device_name for _ in range(5)] == names


def test_times_are_kept(file: Path):
    times = [record.seconds for record in read_recording(file)]
    assert times == sorted(times)
    assert times[-1] > 0


# The file


def test_a_recording_is_readable_after_a_crash(file: Path, tmp_path: Path):
    data = file.read_bytes()
    whole = list(read_recording(file))
    for length in (len(data) - 1, len(data) // 2, 60, 24):
        cut = tmp_path / f"cut-{length}"
        cut.write_bytes(data[:length])
        records = list(read_recording(cut))
        assert records == whole[: len(records)]
        assert len(records) < len(whole)


def test_damage_ends_the_recording(file: Path):
    data = bytearray(file.read_bytes())
    whole = list(read_recording(file))
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    records = list(read_recording(file))
    assert records == whole[: len(records)]


def test_pixels_that_can_be_made_smaller_are(tmp_path: Path):
    writer = RecordingWriter(tmp_path / "file")
    data = bytes(1_000_000)
    writer.write(Event.SERVER_SENT, 1, data)
    writer.close()
    assert (tmp_path / "file").stat().st_size < 10_000
    (record,) = read_recording(tmp_path / "file")
    assert (record.event, record.connection, record.data) == (Event.SERVER_SENT, 1, data)


def test_a_file_that_is_full_has_all_up_to_there(tmp_path: Path):
    file = tmp_path / "file"
    writer = RecordingWriter(file, most_bytes=1 << 20)
    data = np.random.default_rng(1).bytes(600_000)
    writer.write(Event.SERVER_SENT, 1, data)
    with pytest.raises(RecordingError, match=r"limit of 1 MiB.* a higher --max-size"):
        writer.write(Event.SERVER_SENT, 1, data)
    writer.close()
    assert [one.data for one in read_recording(file)] == [data]


def test_a_file_that_becomes_large_when_it_is_inflated_is_not_replayed(tmp_path: Path):
    file = tmp_path / "file"
    writer = RecordingWriter(file)
    writer.write(Event.CONNECTED, 1)
    for _ in range(3):
        writer.write(Event.SERVER_SENT, 1, bytes(1 << 20))
    writer.close()
    with pytest.raises(RecordingError, match=r"more than the limit of 2 MiB.* higher --max-size"):
        make_scripts(read_recording(file), most_bytes=2 << 20)


def test_nothing_is_collected_after_a_header_that_claims_too_much(caplog: pytest.LogCaptureFixture):
    """A port scan that reached the recorder does not keep the others from being replayed."""
    message = codec.pack(codec.StatusMessage(device_name="A"))
    larger_than_any = bytearray(message)
    larger_than_any[42:50] = b"\xff" * 8
    records = [
        Record(Event.CONNECTED, 1, 0.0),
        Record(Event.SERVER_SENT, 1, 0.1, message + larger_than_any),
        Record(Event.SERVER_SENT, 1, 0.2, message),
        Record(Event.CONNECTED, 2, 0.3),
        Record(Event.SERVER_SENT, 2, 0.4, message),
    ]
    scripts = make_scripts(records)
    assert [[data for _, data in script.unasked] for script in scripts] == [[message], [message]]
    assert "message of 18446744073709551615 bytes" in caplog.text


def test_what_is_no_recording_is_named(tmp_path: Path, file: Path):
    other = tmp_path / "other"
    other.write_text("hello")
    with pytest.raises(RecordingError, match="is not a recording of igtlmeta record"):
        list(read_recording(other))
    with pytest.raises(RecordingError, match="No such file"):
        list(read_recording(tmp_path / "none"))
    with pytest.raises(RecordingError, match="File exists"):
        RecordingWriter(file)


# Given away


def test_a_deidentified_recording_names_nobody_and_has_no_pixels(tmp_path: Path):
    path = tmp_path / "device.igtl"
    redactor = MessageRedactor()
    options = {"make_filter": lambda: redacting_filter(redactor)}
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
    path, redactor = tmp_path / "device.igtl", MessageRedactor()
    options = {"make_filter": lambda: redacting_filter(redactor)} if is_deidentified else {}
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


def test_who_sends_no_more_still_gets_an_answer(tmp_path: Path) -> None:
    """As without the recorder: the server sees that the query has ended, and answers then."""

    def received(connection: socket.socket) -> bytes:
        return b"".join(iter(lambda: connection.recv(100), b""))

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        recording(server.getsockname()[1], tmp_path / "device.igtl") as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE) as client,
    ):
        client.sendall(b"query")
        client.shutdown(socket.SHUT_WR)
        connection, _ = server.accept()
        with connection:
            connection.settimeout(PATIENCE)
            assert received(connection) == b"query"
            connection.sendall(b"answer")
        assert received(client) == b"answer"
    events = [record.event for record in read_recording(tmp_path / "device.igtl")]
    assert events == [Event.CONNECTED, Event.CLIENT_SENT, Event.SERVER_SENT, Event.ENDED]
