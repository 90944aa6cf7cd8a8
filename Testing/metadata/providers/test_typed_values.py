"""Values that the user typed."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.metadata.modules import IMAGE_PLANE, OTHER, PATIENT, Patient, known_module
from IGTLMetaBrowserLib.metadata.providers.typed_values import TypedValuesProvider
from IGTLMetaBrowserLib.metadata.registry import NOTHING


@pytest.fixture
def typed(providers):
    provider = TypedValuesProvider()
    providers.add_provider(lambda type_, _: Patient("Doe^J", "1") if type_ == PATIENT else NOTHING)
    providers.add_provider(provider, 100)
    return provider


def test_what_is_typed_counts_until_it_is_removed(providers, typed):
    typed.set("A", "PatientName", "Doe^Jane")
    assert known_module(providers, PATIENT, "A") == Patient("Doe^Jane", "1")
    assert known_module(providers, PATIENT, "B") == Patient("Doe^J", "1")
    typed.remove("A", "PatientName")
    assert known_module(providers, PATIENT, "A") == Patient("Doe^J", "1")


def test_texts_become_what_the_keyword_needs(typed):
    typed.set("A", "PixelSpacing", "0.5\\0.25")
    typed.set("A", "SliceThickness", 2)
    plane = typed(IMAGE_PLANE, "A")
    assert (plane.PixelSpacing, plane.SliceThickness) == ((0.5, 0.25), 2.0)


def test_any_other_keyword_will_do(providers, typed):
    typed.set("A", "Ground truth", "tumor")
    assert typed(OTHER, "A") == {"Ground truth": "tumor"}
    assert typed(PATIENT, "A") is NOTHING
    typed.forget("A")
    assert typed(OTHER, "A") is NOTHING


def test_the_registry_notices_each_change(providers, typed):
    providers.remove_all_providers()
    providers.add_provider(typed)
    seen = []
    for change in (
        lambda: typed.set("A", "PatientID", "2"),
        lambda: typed.set("A", "PatientID", "3"),
        lambda: typed.remove("A", "PatientID"),
        lambda: typed.set("A", "PatientID", "4"),
        lambda: typed.forget("A"),
    ):
        change()
        answer = providers.get(PATIENT, "A")
        seen.append(answer and answer.PatientID)
    assert seen == ["2", "3", NOTHING, "4", NOTHING]


def test_what_the_keyword_cannot_be_is_refused(typed):
    with pytest.raises(ValueError, match=r"'0.5' cannot be the PixelSpacing: it is not two num"):
        typed.set("A", "PixelSpacing", "0.5")
    with pytest.raises(ValueError, match="PatientName is empty; remove it"):
        typed.set("A", "PatientName", " ")
    assert typed(IMAGE_PLANE, "A") is NOTHING


def test_removing_what_was_not_typed_changes_nothing(typed):
    typed.remove("A", "PatientName")
    typed.forget("A")
    assert typed(PATIENT, "A") is NOTHING
