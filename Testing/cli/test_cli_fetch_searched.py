"""``igtlmeta fetch --search``: images that are in no list but that of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cli.command import Shelf, igtlmeta, served, shelf_of
from helpers.peers import ImagesInMemory, ServerInThread, make_image
from helpers.searchable import MORE, Searchable
from helpers.shaped_link import ShapedLink
from IGTLMetaBrowserLib import codec, net

SIZE = (256, 256, 40)  # 5 MB


def test_all_that_is_found_is_fetched(tmp_path: Path) -> None:
    with ServerInThread(Searchable()) as server:
        address = f"127.0.0.1:{server.port}"
        search = ("--search", "PatientName=Doe*")
        result = igtlmeta("fetch", address, *search, "--all", "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CT.nrrd", "MR.nrrd"]


def test_all_that_is_listed_may_not_be_all_that_there_is(tmp_path: Path) -> None:
    with ServerInThread(Searchable()) as server:
        result = igtlmeta("fetch", f"127.0.0.1:{server.port}", "--all", "-o", tmp_path)
    assert (result.returncode, len(list(tmp_path.iterdir()))) == (0, 3)
    assert MORE in result.stderr


def test_where_there_is_nothing_nothing_is_found(tmp_path: Path) -> None:
    with served(Shelf()) as address:
        result = igtlmeta("fetch", address, "--search", "Modality=CT", "--all", "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, f"igtlmeta: {address} offers no images\n")


@pytest.mark.parametrize("what", ["A", "--all"])
def test_of_a_server_that_does_not_search_nothing_is_fetched(tmp_path: Path, what: str) -> None:
    """These would be all of its images, or one of another patient."""
    with served(shelf_of("A", "B")) as address:
        search = ("--search", "PatientName=Doe*")
        result = igtlmeta("fetch", address, *search, what, "-o", tmp_path)
    assert (result.returncode, [*tmp_path.iterdir()]) == (1, [])
    assert result.stderr == f"igtlmeta: {address} does not search; fetch without --search\n"


class Gateways(ImagesInMemory):
    """Gateways behind one address, one for each connection by ``link``.

    Each knows the image when it has searched for it, but not its size.
    """

    search_keywords = ("PatientID",)
    link: ShapedLink

    def __init__(self) -> None:
        super().__init__({"A": make_image(1, SIZE), "other": make_image(2)})
        self.searched: set[int] = set()

    def search(self, attributes: Mapping[str, str]) -> tuple[Sequence[codec.ImageMetaItem], str]:
        found, other = self.images()
        if not attributes:
            return [other], ""
        self.searched.add(self.link.connection_count)
        return [replace(found, size=(0, 0, 0))], ""

    def image(self, image_id: str) -> codec.ImageMessage:
        if self.link.connection_count not in self.searched:
            raise net.SourceError("no image has this id; search for it once more")
        return super().image(image_id)


def test_a_gateway_that_takes_over_is_asked_for_the_same(tmp_path: Path) -> None:
    gateways = Gateways()
    with ServerInThread(gateways) as server, ShapedLink(server.port, cut_after=[1 << 20]) as link:
        gateways.link = link
        search = ("--search", "PatientID=42")
        result = igtlmeta("fetch", f"127.0.0.1:{link.port}", *search, "A", "-o", tmp_path)
    assert result.returncode == 0, result.stderr
    assert gateways.searched == {1, 2}
    assert [path.name for path in tmp_path.iterdir()] == ["A.nrrd"]
