"""Lists of any length: printed as they are read, without being kept."""

from __future__ import annotations

import contextlib
import io
import json
import tracemalloc
from collections.abc import Callable, Sequence

import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.cli import output
from IGTLMetaBrowserLib.cli.list import doubled_ids

MANY = 9_000
MOST_MEMORY = 5 << 20  # as much as 4,096 items at a time take


class Nowhere(io.TextIOBase):
    """Counts the lines that are written to it."""

    lines = 0

    def write(self, text: str) -> int:
        self.lines += text.count("\n")
        return len(text)


@pytest.fixture(scope="module")
def items() -> Sequence[codec.ImageMetaItem]:
    """A list as it comes from a server."""
    made = [codec.ImageMetaItem(f"Image {n}", f"ID {n}", "CT") for n in range(MANY)]
    return codec.unpack(codec.pack(codec.ImageMetaMessage(made))).items


def print_json(items: Sequence[codec.ImageMetaItem]) -> None:
    output.print_json(map(output.image_object, items))


@pytest.mark.parametrize(
    ("do", "lines"),
    [(print_json, 14 * MANY + 2), (output.print_images, MANY + 1), (doubled_ids, 0)],
    ids=["JSON", "table", "doubled ids"],
)
def test_the_memory_does_not_grow_with_the_list(items, do: Callable, lines: int):
    nowhere = Nowhere()
    tracemalloc.start()
    try:
        with contextlib.redirect_stdout(nowhere):
            do(items)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert nowhere.lines == lines
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_as_if_printed_at_once(count: int, capsys: pytest.CaptureFixture):
    metadata = [{}, {"metadata": {"Modality": "CT"}}, {"empty": [], "none": None}]
    objects = [{"name": 'two\n"lines"', "size": [1, n], **metadata[n]} for n in range(count)]
    output.print_json(iter(objects))
    assert capsys.readouterr().out == json.dumps(objects, indent=1) + "\n"


def test_numbers_that_json_does_not_have_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        output.print_json([{"entry": [float("nan")]}])
