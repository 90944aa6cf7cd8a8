"""``igtlmeta fetch`` from servers whose images are not as listed, slow ones, and errors in words.

Most cases are run with whole messages, and over a connection that delivers one byte at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import nrrd
import pytest

from cli.command import igtlmeta, igtlmeta_here
from helpers.peers import Peer, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec

Size = tuple[int, int, int]
LISTED, OTHER, THIRD = (4, 3, 2), (5, 5, 5), (2, 2, 2)


def entry(image_id: str, size: Size = LISTED, name: str = "Head") -> codec.ImageMetaItem:
    return codec.ImageMetaItem(
        name=name, id=image_id, size=size, scalar_type=codec.ScalarType.UINT16
    )


def answering(
    lists: Iterable[list[codec.ImageMetaItem]], sizes: Iterable[Size]
) -> Callable[[Peer], None]:
    """Script: one list after the other, the last for good; and images of one size after another."""
    remaining, following = list(lists), iter(sizes)

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMAGE":
                peer.send(make_image(7, next(following), query.device_name))
            else:
                items = remaining.pop(0) if len(remaining) > 1 else remaining[0]
                peer.send(codec.ImageMetaMessage(items=items))

    return serve


@pytest.fixture(params=[None, 1], ids=["whole messages", "single bytes"])
def piece_size(request: pytest.FixtureRequest) -> int | None:
    return request.param


def test_a_list_that_has_changed_is_read_again(tmp_path: Path, piece_size: int | None):
    script = answering([[entry("A")], [entry("A", OTHER, "Other head")]], [OTHER, OTHER])
    with ScriptedServer(script, piece_size=piece_size) as server:
        result = igtlmeta("fetch", f"127.0.0.1:{server.port}", "A", "-o", tmp_path)
    assert (result.returncode, result.stderr) == (
        0,
        "igtlmeta: A: the list has changed since it was read, and was read again\n",
    )
    # It is called as the new list says: by the old one it could be another patient.
    assert nrrd.read_header(str(tmp_path / "A.nrrd"))["name"] == "Other head"


def test_an_image_that_the_list_no_longer_has_is_not_written(
    tmp_path: Path, piece_size: int | None
):
    script = answering([[entry("A")], [entry("B")]], [OTHER, OTHER])
    with ScriptedServer(script, piece_size=piece_size) as server:
        result = igtlmeta("fetch", f"127.0.0.1:{server.port}", "A", "-o", tmp_path)
    assert result.returncode == 1
    assert "A: the server has removed it from the list" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_sends_another_size_each_time(tmp_path: Path, piece_size: int | None):
    script = answering([[entry("A")]], [OTHER, THIRD])
    with ScriptedServer(script, piece_size=piece_size) as server:
        result = igtlmeta("fetch", f"127.0.0.1:{server.port}", "A", "-o", tmp_path)
    assert (result.returncode, result.stderr) == (
        1,
        "igtlmeta: A: the server sends another image each time: first the image 'A' of 5 × 5 × 5 "
        "voxels, uint16, then the image 'A' of 2 × 2 × 2 voxels, uint16; neither is as listed\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_is_always_wrong_is_said_and_asked_for_once(
    tmp_path: Path, piece_size: int | None
):
    # As the reference ImageDatabaseServer; that the first image came twice is enough.
    script = answering([[entry("A"), entry("B")]], [OTHER, OTHER, THIRD])
    with ScriptedServer(script, piece_size=piece_size) as server:
        result = igtlmeta("fetch", f"127.0.0.1:{server.port}", "--all", "-o", tmp_path)
    assert (result.returncode, result.stderr.splitlines()) == (
        0,
        [
            "igtlmeta: A: listed with 4 × 3 × 2 voxels, received with 5 × 5 × 5",
            "igtlmeta: B: listed with 4 × 3 × 2 voxels, received with 2 × 2 × 2",
        ],
    )


def own_name(delay: int = 0) -> Callable[[Peer], None]:
    """Script: answers under a name of the server's own, ``delay`` questions late."""
    shades, asked = {"A": 1, "B": 2, "C": 3}, []

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                peer.send(codec.ImageMetaMessage(items=[entry(id_) for id_ in shades]))
                continue
            asked.append(query.device_name)
            if len(asked) > delay:
                answer = shades[asked[-1 - delay]]
                peer.send(make_image(answer, LISTED, "PlusServer"))

    return serve


def shades_in(folder: Path) -> dict[str, int]:
    return {path.stem: int(nrrd.read(str(path))[0].min()) for path in folder.glob("*.nrrd")}


def test_images_of_one_size_under_the_servers_own_name(tmp_path: Path, piece_size: int | None):
    with ScriptedServer(own_name(), piece_size=piece_size) as server:
        result = igtlmeta("fetch", f"127.0.0.1:{server.port}", "--all", "-o", tmp_path)
    # On a busy machine it waits for single bytes for so long that it says so.
    said = [line for line in result.stderr.splitlines() if ": preparing, " not in line]
    assert (result.returncode, said) == (
        0,
        [f"igtlmeta: {id_}: it came under the name 'PlusServer'" for id_ in "ABC"],
    )
    assert shades_in(tmp_path) == {"A": 1, "B": 2, "C": 3}


def test_the_late_image_of_an_earlier_run_is_not_written(tmp_path: Path, piece_size: int | None):
    with ScriptedServer(own_name(delay=1), piece_size=piece_size) as server:
        options = ["-o", tmp_path, "--timeout", "0.4"]
        first, second = (
            igtlmeta_here(server, "fetch", f"127.0.0.1:{server.port}", id_, *options)
            for id_ in "AB"
        )
    assert (first.returncode, second.returncode) == (1, 1)
    assert "did not answer" in first.stderr
    assert "B: the server sends another image each time" in second.stderr
    assert shades_in(tmp_path) == {}


def test_all_of_a_server_that_is_late_are_right_or_not_written(tmp_path: Path):
    with ScriptedServer(own_name(delay=1)) as server:
        for _ in range(2):
            arguments = [f"127.0.0.1:{server.port}", "--all", "-o", tmp_path, "--timeout", "0.4"]
            assert igtlmeta_here(server, "fetch", *arguments).returncode == 1
    assert shades_in(tmp_path).items() <= {"A": 1, "B": 2, "C": 3}.items()


def test_a_server_that_prepares_an_image_is_said_to_do_so(tmp_path: Path):
    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(codec.ImageMetaMessage(items=[entry("A")]))
        peer.receive()
        for _ in range(120):  # 6 s: a line says so after 5
            peer.send(codec.TransformMessage(device_name="Needle"))
            peer.pause(0.05)
        peer.send(make_image(7, device_name="A"))
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        address = f"127.0.0.1:{server.port}"
        result = igtlmeta_here(server, "fetch", address, "A", "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, "igtlmeta: A: preparing, 5 s\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--timeout", "0.5"], "if it needs longer, allow more time (--timeout)\n"),
        (["--max-size", "1K"], "allow larger images (--max-size)\n"),
    ],
    ids=["time-out", "largest image"],
)
def test_the_error_of_a_limit_names_the_option(tmp_path: Path, options: list[str], words: str):
    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(codec.ImageMetaMessage(items=[entry("A", (64, 64, 2))]))
        peer.receive()
        too_large = "--max-size" in options
        peer.send(make_image(7, (64, 64, 2), "A") if too_large else codec.StatusMessage())
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        address = f"127.0.0.1:{server.port}"
        result = igtlmeta_here(server, "fetch", address, "A", "-o", tmp_path, *options)
    assert result.returncode == 1
    assert result.stderr.endswith(words)
    assert "Advanced" not in result.stderr
