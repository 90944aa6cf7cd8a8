"""``igtlmeta serve --deidentify``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.command import Shelf, ended, igtlmeta, serving
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.cli.deidentify_options import deidentified
from IGTLMetaBrowserLib.net.source import NotReadyError


def test_lists_have_pseudonyms_that_a_key_keeps_the_same(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"a secret of 16 bytes and more")
    lists = []
    for _ in range(2):
        options = ("--deidentify", "--deidentify-key", key)
        with serving("--demo", "--port", "0", *options) as (_, count, address):
            lists.append(igtlmeta("list", address, "--json").stdout)
            (first, *_) = items = json.loads(lists[-1])
            result = igtlmeta("fetch", address, first["id"], "-o", tmp_path)
        assert count == len(items) == 3
        assert result.returncode == 0
    assert lists[0] == lists[1]
    assert first["patient_name"].startswith("Anonymous ")
    assert first["scan_time"] is None
    assert "DEMO" not in lists[0]
    assert "Sheplogan" not in lists[0]


@pytest.mark.parametrize("option", ["", "--volumes"])
def test_names_of_files_are_not_on_standard_error(tmp_path: Path, option: str) -> None:
    """Nor is what is in them, be it damaged."""
    for name in ("Doe_Jane.dcm", "Doe_Jane.nrrd"):
        (tmp_path / name).write_text("none of these")
    plan = [{"name": "Jane Doe " * 10, "type": "target", "target": [1, 2, 3]}]
    (tmp_path / "trajectories.json").write_text(json.dumps(plan))
    options = filter(None, ("--port", "0", "--deidentify", option))
    with serving(tmp_path, *options) as (process, _, _):
        process.terminate()
        _, _, err = ended(process)
    assert re.search(r"files.* that are not offered, or not as volumes: [1-3]", err)
    assert "Doe" not in err


def test_a_folder_that_is_looked_at_again_before_it_is_served_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one that was opened seconds ago."""

    class Folder(Shelf):
        is_ready = False

        def images(self) -> list[codec.ImageMetaItem]:
            if not self.is_ready:
                self.is_ready = True
                raise NotReadyError(0.01)
            return super().images()

    shelf = Folder([codec.ImageMetaItem(name="Doe", id="A", modality="CT", size=(1, 1, 1))])
    source = deidentified(shelf, bytes(16), allow_annotated=False, seconds_a_turn=1.0)
    assert [item.name for item in source.images()] == ["CT 1"]


def test_without_a_key_pseudonyms_are_others_at_each_start() -> None:
    lists = []
    for _ in range(2):
        with serving("--demo", "--port", "0", "--deidentify") as (process, _, address):
            lists.append(igtlmeta("list", address, "--json").stdout)
            process.terminate()
            assert ended(process)[0] == 0
    assert lists[0] != lists[1]


@pytest.mark.parametrize(
    ("key", "words"), [(b"short", "has 5 bytes, which can be guessed"), (None, "No such file")]
)
def test_a_key_that_is_none_is_named(tmp_path: Path, key: bytes | None, words: str) -> None:
    if key is not None:
        (tmp_path / "key").write_bytes(key)
    result = igtlmeta("serve", "--demo", "--deidentify", "--deidentify-key", tmp_path / "key")
    assert result.returncode == 1
    assert words in result.stderr


def test_options_without_effect_are_wrong_usage() -> None:
    assert igtlmeta("serve", "--demo", "--allow-annotated").returncode == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--deidentify", "--deidentify-key", "missing"), "the key 'missing' cannot be read"),
        (("--allow-annotated",), "--deidentify-key and --allow-annotated require --deidentify"),
    ],
)
def test_wrong_options_are_said_before_a_folder_is_read(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    """A large one takes minutes; this one could not be read at all."""
    result = igtlmeta("serve", tmp_path / "none", *options)
    assert words in result.stderr
    assert "there is no folder" not in result.stderr
