"""Which answers the registry keeps, and what makes it forget them."""

from __future__ import annotations

from collections import Counter

import pytest

from IGTLMetaBrowserLib.metadata.answer_cache import AnswerCache
from IGTLMetaBrowserLib.metadata.observable import ObservableProvider
from IGTLMetaBrowserLib.metadata.registry import NOTHING, MetadataProviders


class Table(ObservableProvider):
    """Knows what is written into it, and counts how often it is asked for each image."""

    def __init__(self, type_: str = "weather", **modules: object) -> None:
        super().__init__()
        self.type = type_
        self.modules = modules
        self.asked: Counter[str] = Counter()

    def write(self, image_id: str, module: object) -> None:
        self.modules[image_id] = module
        self.notify_changed(image_id)

    def __call__(self, type_: str, image_id: str) -> object:
        self.asked[image_id] += 1
        return self.modules.get(image_id, NOTHING) if type_ == self.type else NOTHING


class Forecast(ObservableProvider):
    """Computes from the weather that the registry knows of an image, and counts how often."""

    def __init__(self, providers: MetadataProviders) -> None:
        super().__init__()
        self.providers = providers
        self.computed = 0

    def __call__(self, type_: str, image_id: str) -> object:
        if type_ != "forecast":
            return NOTHING
        self.computed += 1
        return f"tomorrow {self.providers.get('weather', image_id)}"


@pytest.fixture
def table(providers: MetadataProviders) -> Table:
    table = Table(A="rain", B="snow")
    providers.add_provider(table)
    return table


def test_who_tells_of_changes_is_asked_once(providers, table):
    answers = [providers.get("weather", "A") for _ in range(3)]
    assert answers == ["rain"] * 3
    assert table.asked == {"A": 1}


def test_that_nobody_knows_is_kept_too(providers, table):
    assert [providers.get("weather", "C") for _ in range(3)] == [NOTHING] * 3
    assert table.asked == {"C": 1}


def test_a_change_is_seen_at_once_and_drops_nothing_else(providers, table):
    providers.get("weather", "A")
    providers.get("weather", "B")
    table.write("A", "sun")
    assert (providers.get("weather", "A"), providers.get("weather", "B")) == ("sun", "snow")
    assert table.asked == {"A": 2, "B": 1}


def test_a_change_of_all_drops_all(providers, table):
    providers.get("weather", "A")
    table.modules = {"A": "fog"}
    table.notify_changed()
    assert providers.get("weather", "A") == "fog"
    assert len(providers._cache) == 1


def test_a_plain_function_is_asked_each_time(providers):
    weather = iter(["rain", "sun"])
    providers.add_provider(lambda type_, query: next(weather))
    assert [providers.get("weather", "A") for _ in range(2)] == ["rain", "sun"]
    assert len(providers._cache) == 0


def test_a_plain_function_that_is_asked_after_the_answer_does_not_count(providers, table):
    providers.add_provider(lambda type_, query: NOTHING, -1)
    providers.get("weather", "A")
    providers.get("weather", "A")
    assert table.asked == {"A": 1}


def test_after_a_failure_the_provider_gets_another_chance(providers, table, caplog):
    class Moody(Table):
        def __call__(self, type_, image_id):
            if not super().__call__(type_, image_id):
                raise OSError("the disk is asleep")
            return "hail"

    moody = Moody()
    providers.add_provider(moody, 1)
    assert providers.get("weather", "A") == "rain"
    moody.modules["A"] = "hail"
    assert providers.get("weather", "A") == "hail"


def test_providers_that_come_and_go_change_what_is_known(providers, table):
    providers.get("weather", "A")
    better = Table(A="drizzle")
    providers.add_provider(better, 1)
    assert providers.get("weather", "A") == "drizzle"
    providers.remove_provider(better)
    assert providers.get("weather", "A") == "rain"
    providers.remove_all_providers()
    assert providers.get("weather", "A") is NOTHING
    table.write("A", "sun")  # nobody listens any more
    assert providers.get("weather", "A") is NOTHING


def test_what_is_computed_is_computed_once_and_anew_when_its_source_changes(providers, table):
    forecast = Forecast(providers)
    providers.add_provider(forecast)
    for _ in range(3):
        assert providers.get("forecast", "A") == "tomorrow rain"
    assert forecast.computed == 1
    table.write("B", "sun")
    assert providers.get("forecast", "A") == "tomorrow rain"
    assert forecast.computed == 1
    table.write("A", "sun")
    assert providers.get("forecast", "A") == "tomorrow sun"
    assert forecast.computed == 2


def test_what_is_computed_from_a_plain_function_is_not_kept(providers):
    weather = iter(["rain", "sun"])
    providers.add_provider(
        lambda type_, query: next(weather) if type_ == "weather" else NOTHING, -1
    )
    providers.add_provider(Forecast(providers))
    assert providers.get("forecast", "A") == "tomorrow rain"
    assert providers.get("forecast", "A") == "tomorrow sun"


def test_what_was_found_under_another_name_is_dropped_with_it(providers):
    uids, archive = Table("uid", A="1.2.3"), Table("patient", **{"1.2.3": "Jane"})

    class ByUid(ObservableProvider):
        def __call__(self, type_, image_id):
            uid = providers.get("uid", image_id) if type_ == "patient" else NOTHING
            return NOTHING if uid is NOTHING else providers.get(type_, uid)

    for provider in (uids, archive, ByUid()):
        providers.add_provider(provider)
    assert [providers.get("patient", "A") for _ in range(3)] == ["Jane"] * 3
    assert archive.asked["1.2.3"] == 2  # for its UID, and whether it knows of a patient

    archive.write("1.2.3", "June")
    assert providers.get("patient", "A") == "June"
    uids.write("A", "4.5.6")
    archive.write("4.5.6", "Joan")
    assert providers.get("patient", "A") == "Joan"


def test_an_answer_under_several_names_is_dropped_with_each(providers, table):
    assert providers.get("weather", "C", "B") == "snow"
    table.write("B", "sleet")
    assert providers.get("weather", "C", "B") == "sleet"
    table.write("C", "heat")
    assert providers.get("weather", "C", "B") == "heat"


def test_what_changes_while_it_is_asked_for_is_not_kept(providers):
    class Restless(Table):
        def __call__(self, type_, image_id):
            self.write(image_id, self.asked[image_id] + 1)
            return super().__call__(type_, image_id)

    providers.add_provider(Restless())
    assert [providers.get("weather", "A") for _ in range(3)] == [1, 2, 3]


def of_type(type_, answer):
    """A provider of one type that answers what ``answer(image_id)`` returns, and never changes."""

    class Provider(ObservableProvider):
        def __call__(self, asked_type, image_id):
            return answer(image_id) if asked_type == type_ else NOTHING

    return Provider()


def test_an_answer_made_from_one_that_was_already_kept_is_dropped_with_it(providers, table):
    providers.add_provider(of_type("forecast", lambda _: providers.get("weather", "B")))
    assert providers.get("weather", "B") == "snow"
    assert providers.get("forecast", "A") == "snow"
    table.write("B", "sun")
    assert providers.get("forecast", "A") == "sun"


def test_a_change_reaches_what_was_made_from_what_was_made_from_it(providers, table):
    providers.add_provider(of_type("near", lambda _: providers.get("weather", "B")))
    providers.add_provider(of_type("far", lambda _: providers.get("near", "MIDDLE")))
    assert providers.get("near", "MIDDLE") == "snow"  # kept before it is made use of
    assert providers.get("far", "A") == "snow"
    table.write("B", "sun")
    assert providers.get("far", "A") == "sun"


class TestProvidersThatAskEachOther:
    """The weather is told from the forecast, and the forecast from the weather and the paper."""

    @pytest.fixture
    def paper(self, providers, table):
        paper = Table("paper", B="Times")
        providers.add_provider(paper)

        def weather(image_id):
            forecast = providers.get("forecast", image_id)
            return "no forecast" if forecast is NOTHING else f"{forecast}!"

        def forecast(image_id):
            paper_of_b = providers.get("paper", "B")
            return f"{providers.get('weather', image_id)} by {paper_of_b}"

        providers.add_provider(of_type("weather", weather), 1)
        providers.add_provider(of_type("forecast", forecast), 1)
        return paper

    def test_what_is_made_while_one_is_asked_lacks_its_answer_and_is_not_kept(
        self, providers, paper
    ):
        """Inside, the forecast was "rain by Times", without the weather's own answer."""
        assert providers.get("weather", "A") == "rain by Times!"
        assert providers.get("forecast", "A") == "rain by Times! by Times"

    def test_a_change_reaches_what_was_made_from_an_answer_that_is_not_kept(self, providers, paper):
        assert providers.get("weather", "A") == "rain by Times!"
        paper.write("B", "Post")
        assert providers.get("weather", "A") == "rain by Post!"


def test_who_was_removed_changes_nothing_any_more(providers, table):
    removed = Table()
    providers.add_provider(removed)
    providers.remove_provider(removed)
    providers.get("weather", "A")
    removed.write("A", "sun")
    providers.get("weather", "A")
    assert table.asked == {"A": 1}


def test_an_answer_that_was_interrupted_leaves_nothing_behind(providers):
    def interrupted(type_, image_id):
        raise KeyboardInterrupt

    providers.add_provider(interrupted)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            providers.get("weather", "A")
    assert providers._cache.making == []


def test_what_lacks_the_answer_of_who_is_being_asked_is_not_kept(providers, table):
    """Inside its own question, a provider sees what others know; nobody else shall."""

    class Umbrella(ObservableProvider):
        def __call__(self, type_, image_id):
            return f"{providers.get(type_, image_id)}, but dry"

    providers.add_provider(Umbrella(), 1)
    assert providers.get("weather", "A") == "rain, but dry"
    assert providers.get("weather", "A") == "rain, but dry"
    table.write("A", "sun")
    assert providers.get("weather", "A") == "sun, but dry"


def test_no_more_answers_are_kept_than_allowed():
    providers = MetadataProviders(most_answers=100)
    providers.add_provider(Table())
    for number in range(1000):
        providers.get("weather", f"IMAGE_{number}")
        assert len(providers._cache) <= 100
    assert len(providers._cache) > 0


def test_no_more_links_are_kept_than_allowed():
    """Images come and go, and each was found under another name that stays."""
    cache = AnswerCache(most_answers=100)
    for number in range(1000):
        image_id = f"IMAGE_{number}"
        cache.begin(0)
        cache.on_asked((image_id, "1.2.3"))
        cache.end((image_id,), "patient", "Jane")
        assert len(cache) == 1
        assert cache.link_count <= 100
        cache.drop(image_id)
    assert len(cache) == 0
