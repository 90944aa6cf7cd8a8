"""Whom the registry of metadata providers asks, and whose answer counts."""

from __future__ import annotations

import logging
import textwrap

import pytest

from IGTLMetaBrowserLib.metadata import registry as documentation
from IGTLMetaBrowserLib.metadata.registry import NOTHING, provider_name


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


def test_a_provider_may_ask_the_registry(providers):
    providers.add_provider(knowing(A=2))
    providers.add_provider(
        lambda type_, query: providers.get("half", query) * 2 if type_ == "whole" else NOTHING, 1
    )
    assert providers.get("whole", "A") == 4


def test_a_provider_that_asks_for_what_it_is_asked_gets_what_the_others_know(providers):
    providers.add_provider(answering("plain"))
    providers.add_provider(lambda type_, query: f"better than {providers.get(type_, query)}", 1)
    assert providers.get("patient", "A") == "better than plain"


def test_providers_that_ask_each_other_come_to_an_end(providers):
    providers.add_provider(lambda type_, query: providers.get("b", query), 1)
    providers.add_provider(lambda type_, query: providers.get("a", query), 2)
    assert providers.get("a", "A") is NOTHING


def test_a_provider_that_never_comes_to_an_end_is_reported(providers, caplog):
    providers.add_provider(answering("known"))
    providers.add_provider(lambda type_, number: providers.get(type_, number + 1), 1)
    assert providers.get("patient", 0) == "known"
    assert "RecursionError" in caplog.text


def test_a_provider_may_add_another_while_it_is_asked(providers):
    def grows(type_, query):
        providers.add_provider(answering("grown"), -1)
        return NOTHING

    providers.add_provider(grows)
    providers.get("patient", "A")
    assert providers.get("patient", "A") == "grown"


def test_who_interrupts_is_not_passed_over(providers):
    def interrupted(type_, query):
        raise KeyboardInterrupt

    providers.add_provider(interrupted)
    with pytest.raises(KeyboardInterrupt):
        providers.get("patient", "A")
    providers.remove_provider(interrupted)
    providers.add_provider(answering("known"))
    assert providers.get("patient", "A") == "known"


def test_a_query_can_be_anything(providers):
    providers.add_provider(lambda type_, query: len(query))
    assert providers.get("patient", ["cannot", "be", "hashed"]) == 3


class Named:
    name = "the archive"

    def __call__(self, type_, query):
        return NOTHING


def scales(type_, query):
    return NOTHING


@pytest.mark.parametrize(
    ("provider", "name"),
    [(Named(), "the archive"), (scales, "scales"), ({}.get, "get"), (Named, "the archive")],
)
def test_a_provider_has_a_name_for_users(provider, name):
    assert provider_name(provider) == name


def test_the_example_in_the_documentation_works(providers):
    source = textwrap.dedent(documentation.__doc__.split("::\n", 1)[1].split("``providers``")[0])
    names = {"providers": providers}
    exec(source, names)
    assert providers.get("patientStudy", "IMAGE_0").PatientWeight == 71.5
    assert providers.get("patientStudy", "IMAGE_1") is NOTHING
