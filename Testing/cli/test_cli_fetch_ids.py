"""``igtlmeta fetch``: which image an ID means, and how its file is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nrrd
import pytest

from cli.command import igtlmeta, served, shelf_of


def test_no_id_leaves_the_folder_or_takes_the_place_of_another(tmp_path: Path) -> None:
    ids = [
        "../../escaped", "/tmp/absolute", "a/b", r"a\b", ".", "..", ".hidden", "con", "CON.x",
        "a", "A", "%61", "ä", "-o", "x:y", "two words", "line\nbreak", "bad\udcff", "IMAGE_0",
    ]  # fmt: skip
    folder = tmp_path / "in" / "here"
    with served(shelf_of(*ids)) as address:
        result = igtlmeta("fetch", address, "--all", "-o", folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert list(tmp_path.rglob("*.nrrd")) == list(folder.glob("*.nrrd"))
    files = [Path(line) for line in result.stdout.splitlines()]
    assert len({file.name.lower() for file in files}) == len(ids)
    for number, file in enumerate(files):
        assert file.parent == folder
        assert nrrd.read(str(file))[0].tolist() == [[[number]]]
    assert (folder / "IMAGE_0.nrrd").exists()


@pytest.mark.parametrize(
    "written", ["a\udcff\x1b", "a\\xff\x1b", r"a\xff\x1b"], ids=["itself", "JSON", "table"]
)
def test_an_id_is_known_in_each_form_that_it_is_shown_in(tmp_path: Path, written: str) -> None:
    with served(shelf_of("other", "a\udcff\x1b")) as address:
        result = igtlmeta("fetch", address, written, "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert nrrd.read(str(tmp_path / "a%FF%1B.nrrd"))[0].tolist() == [[[1]]]


def test_an_image_without_an_id_is_not_asked_for(tmp_path: Path) -> None:
    # Whatever the server streams would be the answer.
    with served(shelf_of("", "A")) as address:
        result = igtlmeta("fetch", address, "--all", "-o", tmp_path)
    assert result.returncode == 1
    assert result.stderr == "igtlmeta: an image without an ID cannot be fetched\n"
    assert result.stdout == f"{tmp_path / 'A.nrrd'}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["A.nrrd"]


def test_of_images_with_one_id_it_is_said_which_cannot_be_fetched(tmp_path: Path) -> None:
    shelf = shelf_of("1.2.840")
    shelf.items = [replace(shelf.items[0], name=name) for name in ("T1 pre", "T1 post", "T2")]
    with served(shelf) as address:
        result = igtlmeta("fetch", address, "--all", "-o", tmp_path)
        listing = igtlmeta("list", address)
    words = (
        "igtlmeta: the server gives the ID '1.2.840' to 'T1 pre', 'T1 post', 'T2': only one of "
        "them can be fetched, and it does not say which\n"
    )
    assert (result.returncode, result.stderr) == (1, words)
    assert (listing.returncode, listing.stderr) == (0, words)
    # Nobody knows which of them came.
    assert "name" not in nrrd.read_header(str(tmp_path / "1.2.840.nrrd"))


def test_of_images_with_one_id_the_size_says_which_came(tmp_path: Path) -> None:
    shelf = shelf_of("1.2.840")
    shelf.items += [replace(shelf.items[0], name="other", size=(7, 7, 7))]
    with served(shelf) as address:
        result = igtlmeta("fetch", address, "1.2.840", "-o", tmp_path)
    assert result.stderr == (
        "igtlmeta: 'other' cannot be fetched: the server gives the ID '1.2.840' to "
        "'image 1.2.840' as well\n"
    )
    assert nrrd.read_header(str(tmp_path / "1.2.840.nrrd"))["name"] == "image 1.2.840"


def test_of_images_with_one_id_it_can_be_the_second_that_came(tmp_path: Path) -> None:
    shelf = shelf_of("1.2.840")
    shelf.items.insert(0, replace(shelf.items[0], name="other", size=(7, 7, 7)))
    with served(shelf) as address:
        result = igtlmeta("fetch", address, "1.2.840", "-o", tmp_path)
    assert "'other' cannot be fetched" in result.stderr
    assert nrrd.read_header(str(tmp_path / "1.2.840.nrrd"))["name"] == "image 1.2.840"


def test_an_id_that_is_padded_with_spaces_is_known_as_it_is_seen(tmp_path: Path) -> None:
    with served(shelf_of("CT1     ", "CT2     ")) as address:
        result = igtlmeta("fetch", address, "CT2", "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert nrrd.read(str(tmp_path / "CT2     .nrrd"))[0].tolist() == [[[1]]]


def test_an_id_that_may_mean_two_images_is_not_guessed(tmp_path: Path) -> None:
    with served(shelf_of("CT1 ", "CT1  ")) as address:
        result = igtlmeta("fetch", address, "CT1", "-o", tmp_path)
        exact = igtlmeta("fetch", address, "CT1  ", "-o", tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (
        1,
        "",
        "igtlmeta: 'CT1' may be 'CT1 ', 'CT1  ': write one of them, spaces included\n",
    )
    assert exact.stdout == f"{tmp_path / 'CT1  .nrrd'}\n"
