"""Whom the registry of metadata providers asks, and whose answer counts."""

from __future__ import annotations

import logging

import pytest

from IGTLMetaBrowserLib.metadata.providers import NOTHING, MetadataProviders


@pytest.fixture
def providers():
    return MetadataProviders()


def answering(answer):
    """A provider that always gives this answer."""
    return lambda type_, query: answer


def knowing(**modules):
    """A provider that knows one module of each image: ``knowing(A="module of A")``."""
    return lambda type_, query: modules.get(query, NOTHING)


def test_nobody_knows_anything_at_first(providers):
    assert providers.get("patient", "A") is NOTHING
    assert not NOTHING


def test_a_provider_is_asked_for_a_type_and_an_image(providers):
    providers.add_provider(lambda type_, query: (type_, query))
    assert providers.get("patient", "A") == ("patient", "A")


def test_the_highest_priority_answers_whenever_it_was_added(providers):
    for priority in (1, 10, -5, 2.5):
        providers.add_provider(answering(priority), priority)
    assert providers.get("patient", "A") == 10


def test_among_equals_the_newest_answers(providers):
    providers.add_provider(answering("old"), 1)
    providers.add_provider(answering("new"), 1)
    providers.add_provider(answering("unimportant"))
    assert providers.get("patient", "A") == "new"


def test_who_has_nothing_leaves_the_answer_to_the_next(providers):
    providers.add_provider(answering("known"))
    providers.add_provider(answering(NOTHING), 1)
    assert providers.get("patient", "A") == "known"


@pytest.mark.parametrize("answer", [None, "", 0, []])
def test_an_empty_answer_is_an_answer(providers, answer):
    providers.add_provider(answering("less important"))
    providers.add_provider(answering(answer), 1)
    assert providers.get("patient", "A") == answer


def test_a_provider_that_raises_is_reported_and_passed_over(providers, caplog):
    def broken(type_, query):
        raise KeyError("no table")

    providers.add_provider(answering("known"))
    providers.add_provider(broken, 1)
    assert providers.get("patient", "A", "B") == "known"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "broken" in record.getMessage()
    assert "patient" in record.getMessage()
    assert "no table" in caplog.text


def test_several_queries_are_tried_in_turn(providers):
    providers.add_provider(knowing(UID="by its UID", A="by its id"))
    assert providers.get("patient", "A", "UID") == "by its id"
    assert providers.get("patient", "UNKNOWN", "UID") == "by its UID"


def test_a_higher_priority_counts_more_than_an_earlier_query(providers):
    providers.add_provider(knowing(A="low"))
    providers.add_provider(knowing(UID="high"), 1)
    assert providers.get("patient", "A", "UID") == "high"


def test_adding_a_provider_again_leaves_it_where_it_is(providers):
    first, second = answering("first"), answering("second")
    providers.add_provider(first)
    providers.add_provider(second)
    providers.add_provider(first, priority=10)
    assert providers.get("patient", "A") == "second"
    providers.remove_provider(second)
    assert providers.get("patient", "A") == "first"
    providers.remove_provider(first)
    assert providers.get("patient", "A") is NOTHING


def test_removing_who_is_not_there_changes_nothing(providers):
    providers.add_provider(answering("known"))
    providers.remove_provider(answering("somebody else"))
    assert providers.get("patient", "A") == "known"


def test_all_providers_can_be_removed(providers):
    providers.add_provider(answering("known"))
    providers.remove_all_providers()
    assert providers.get("patient", "A") is NOTHING
