"""The window in any order of events: a sample of ``dev.py hostile window``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("slicer")

from hostile import window
from slicerhost.fixtures import crashing_objects, lasting_objects, slicer_host, slot_errors

__all__ = ["crashing_objects", "lasting_objects", "slicer_host", "slot_errors"]


@pytest.fixture
def user(slicer_host: Any) -> Iterator[Any]:
    with window.running() as user:
        yield user


def test_a_sample_of_sequences_finds_nothing(user: Any):
    for number in range(2):
        window.do_sequence(user, 1, number)
    assert user.step.problems == []
    assert user.sequences == 2
    assert user.done > 0


def test_what_is_wrong_is_found_and_named(
    user: Any, slicer_host: Any, slot_errors: list[BaseException]
):
    from real_slicer import invariants

    for _ in range(2):
        node = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        node.SetAttribute(invariants.SERVER_ATTRIBUTE, "127.0.0.1:1")
        node.SetAttribute(invariants.IMAGE_ID_ATTRIBUTE, "CT1")
    user.user.ui.loadButton.enabled = True
    user.user.ui.statusLabel.text = "[Errno 104]"
    slot_errors.append(ValueError("in a slot"))
    user.check([*invariants.at_any_time(user.user), *invariants.at_rest(user.user)])
    words = " ".join(user.step.problems)
    assert "a slot raised ValueError: in a slot" in words
    assert "statusLabel says '[Errno 104]'" in words
    assert "2 nodes of ('volume', '127.0.0.1:1', 'CT1')" in words
    assert "loadButton is enabled" in words
    assert slot_errors == []
