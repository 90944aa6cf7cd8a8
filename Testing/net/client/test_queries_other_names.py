"""Which query an image or list under another name answers, as real servers send them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.peers import make_image
from helpers.queries import ask, image, listed
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.other_names import CONFIRM_SECONDS, GRACE_SECONDS
from IGTLMetaBrowserLib.net.client.queries import Queries


def test_a_list_under_another_name_answers_the_query_for_it(queries: Queries):
    query = ask(queries, "IMGMETA")
    answer = codec.ImageMetaMessage(device_name="PlusServerImageMetaData")
    assert queries.match(answer) is query


def test_an_image_under_another_name_is_taken_after_a_while_if_it_is_as_listed(
    queries: Queries,
):
    listed(queries, A=2, B=3)
    oldest = ask(queries, "IMAGE", "A")
    ask(queries, "IMAGE", "B")
    answer = image("Scanner")
    assert queries.match(answer, now=1.0) is None
    assert queries.next_deadline == 1.0 + CONFIRM_SECONDS
    assert queries.accept_candidates(2.9) == []
    assert queries.accept_candidates(3.0) == [oldest]
    assert oldest.answer is answer


def test_the_voxels_of_an_image_under_another_name_are_summed_in_turns(
    queries: Queries, monkeypatch: pytest.MonkeyPatch
):
    """Those of half a GB take 120 ms, which a window would not move for."""
    item = codec.ImageMetaItem(id="A", size=(1024, 1024, 40), scalar_type=codec.ScalarType.UINT16)
    ask(queries, "IMGMETA")
    queries.match(codec.ImageMetaMessage([item]))
    query = ask(queries, "IMAGE", "A")
    answer = codec.ImageMessage(np.zeros((40, 1024, 1024), np.uint16), device_name="Scanner")
    summed: list[int] = []

    def crc64(data: memoryview, crc: int = 0) -> int:
        summed.append(len(data))
        return 0

    monkeypatch.setattr(codec, "crc64", crc64)
    for turns, _ in enumerate(queries.prepare(answer), 1):
        assert len(summed) == turns
    assert sum(summed) == answer.pixels.nbytes
    assert max(summed) <= 16 << 20
    del summed[:]
    queries.match(answer, now=1.0)
    assert queries.accept_candidates(3.0) == [query]
    assert query.answer is answer
    assert not summed


def test_the_next_image_under_the_name_of_an_answer_is_taken_sooner(queries: Queries):
    listed(queries, A=2, B=3)
    ask(queries, "IMAGE", "A")
    queries.match(image("Scanner"), now=1.0)
    queries.accept_candidates(20.0)
    second = ask(queries, "IMAGE", "B", now=20.0)
    queries.match(image("Scanner", slices=3), now=21.0)
    assert queries.accept_candidates(21.0 + GRACE_SECONDS) == [second]


def test_a_candidate_is_awaited_longer_than_the_time_out():
    # The time-out may be shorter than the time in which a slow stream shows itself.
    queries = Queries(2.0)
    listed(queries, "A")
    query = ask(queries, "IMAGE", "A")
    queries.match(image("Ultrasound"), now=1.0)
    assert queries.expired(5.0) == []
    queries.match(image("Ultrasound"), now=6.0)
    assert queries.expired(6.0) == [query]


def answer_twice(queries: Queries, query: net.Query, *shades: int) -> None:
    """Answer a query under another name, and once more, as it is asked for once more."""
    for shade in shades:
        assert not query.is_done
        if query not in queries.waiting:
            queries.add(query, 0.0)
        assert queries.match(image("Scanner", shade=shade)) is None
        assert queries.accept_candidates(100.0) == [query]


def test_an_image_of_another_name_that_could_be_two_of_the_list_has_to_come_twice(
    queries: Queries,
):
    listed(queries, "A", "B")
    query = ask(queries, "IMAGE", "A")
    answer_twice(queries, query, 7, 7)
    assert query.answer is not None
    assert queries.waiting == []


def test_another_image_each_time_is_an_error(queries: Queries):
    # A server that answers the question before, perhaps that of another program.
    listed(queries, "A", "B")
    query = ask(queries, "IMAGE", "B")
    answer_twice(queries, query, 1, 2)
    assert query.answer is None
    assert isinstance(query.error, net.AnswerError)
    assert "sends another image each time: asked twice for the image 'B'" in str(query.error)


def test_the_right_image_counts_when_it_was_asked_for_once_more(queries: Queries):
    listed(queries, "A", "B")
    query = ask(queries, "IMAGE", "A")
    answer_twice(queries, query, 1)
    queries.add(query, 0.0)
    right = image("A", shade=2)
    assert queries.match(right) is query
    assert query.answer is right


def test_the_next_images_need_not_come_twice(queries: Queries):
    listed(queries, "A", "B", "C")
    answer_twice(queries, ask(queries, "IMAGE", "A"), 1, 1)
    for image_id, shade in {"B": 2, "C": 3}.items():
        query = ask(queries, "IMAGE", image_id)
        answer_twice(queries, query, shade)
        assert query.answer is not None


def test_when_an_image_was_owed_the_next_has_to_come_twice_again(queries: Queries):
    listed(queries, "A", "B", "C")
    answer_twice(queries, ask(queries, "IMAGE", "A"), 1, 1)
    late = ask(queries, "IMAGE", "B")
    queries.abandon(late)
    assert queries.match(image("Scanner", shade=2)) is late
    query = ask(queries, "IMAGE", "C")
    answer_twice(queries, query, 2, 3)
    assert isinstance(query.error, net.AnswerError)


def test_of_two_images_that_are_asked_for_at_once_none_is_taken_for_the_other(
    queries: Queries,
):
    # The server may have no answer for the first one.
    listed(queries, "A", "B", "C")
    answer_twice(queries, ask(queries, "IMAGE", "C"), 1, 1)
    first = ask(queries, "IMAGE", "A")
    ask(queries, "IMAGE", "B")
    assert queries.match(image("Scanner", shade=2)) is None
    assert queries.accept_candidates(100.0) == []
    assert "may be the answer for 'B'" in first.came_instead


def test_the_right_image_counts_more_than_one_of_another_name_that_came_before(
    queries: Queries,
):
    listed(queries, "A")
    query = ask(queries, "IMAGE", "A")
    queries.match(image("Scanner"))
    right = image("A")
    assert queries.match(right) is query
    assert query.answer is right
    assert queries.accept_candidates(100.0) == []


def test_an_image_under_another_name_that_comes_again_is_a_stream(queries: Queries):
    listed(queries, "A")
    query = ask(queries, "IMAGE", "A")
    for second in range(5):
        assert queries.match(image("Ultrasound"), now=second / 5) is None
    assert queries.accept_candidates(100.0) == []
    assert not query.is_done


@pytest.mark.parametrize(
    "other",
    [
        make_image(1, (4, 3, 9), "Scanner"),
        codec.ImageMessage(make_image(1).pixels.astype("u1"), device_name="Scanner"),
        make_image(1, device_name="B"),
    ],
    ids=["another size", "another type", "the name of a listed image"],
)
def test_an_image_that_cannot_be_the_one_is_not_taken(queries: Queries, other: codec.ImageMessage):
    listed(queries, "A", "B")
    query = ask(queries, "IMAGE", "A")
    assert queries.match(other) is None
    assert queries.accept_candidates(100.0) == []
    assert not query.is_done


def test_without_a_list_no_image_of_another_name_is_taken(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(image("Scanner")) is None
    assert queries.accept_candidates(100.0) == []
    assert not query.is_done


def test_an_id_that_a_server_has_not_padded_with_nul_is_found(queries: Queries):
    item = codec.pack(
        codec.ImageMetaMessage(
            items=[
                codec.ImageMetaItem(
                    id="A!rubbish", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16
                )
            ]
        )
    )
    content = item[58:].replace(b"A!rubbish", b"A\0rubbish")
    ask(queries, "IMGMETA")
    queries.match(codec.ImageMetaMessage.unpack_content(memoryview(content)))
    query = ask(queries, "IMAGE", "A")
    queries.match(image("Scanner"))
    assert queries.accept_candidates(100.0) == [query]


def test_whoever_asks_for_any_image_gets_the_first(queries: Queries):
    query = ask(queries, "IMAGE")
    assert queries.match(image("Scanner")) is query


def test_the_same_voxels_are_not_taken_for_a_second_image(queries: Queries):
    # The list may change in between, so that its size is that of another image.
    listed(queries, A=2, B=3)
    first = ask(queries, "IMAGE", "A")
    queries.match(image("Scanner"))
    assert queries.accept_candidates(100.0) == [first]
    listed(queries, A=3, B=2)
    second = ask(queries, "IMAGE", "B")
    assert queries.match(image("Scanner")) is None
    assert queries.accept_candidates(200.0) == []
    assert not second.is_done


def test_a_late_image_of_another_name_is_that_of_the_query_before(queries: Queries):
    listed(queries, A=2, B=3)
    late = ask(queries, "IMAGE", "A")
    queries.abandon(late)
    query = ask(queries, "IMAGE", "B")
    assert queries.match(image("Scanner")) is late
    assert not query.is_done
    queries.match(image("Scanner", slices=3))
    assert queries.accept_candidates(100.0) == [query]


def test_an_image_that_is_lost_with_its_connection_may_come_on_the_next(queries: Queries):
    # The list is wrong: A has the size that is listed for B.
    listed(queries, A=2, B=3)
    ask(queries, "IMAGE", "A")
    queries.remove_all()
    query = ask(queries, "IMAGE", "B")
    assert queries.match(image("Scanner", slices=3)) is None
    assert queries.accept_candidates(100.0) == []
    assert "may be the late answer for 'A'" in query.came_instead


def test_what_is_owed_for_the_same_id_may_answer_the_next_query(queries: Queries):
    listed(queries, "A")
    ask(queries, "IMAGE", "A")
    queries.remove_all()
    query = ask(queries, "IMAGE", "A")
    queries.match(image("Scanner"))
    assert queries.accept_candidates(100.0) == [query]


def test_an_answer_settles_what_was_owed(queries: Queries):
    listed(queries, A=2, B=3)
    ask(queries, "IMAGE", "A")
    queries.remove_all()
    queries.match(image("A"))
    query = ask(queries, "IMAGE", "B")
    queries.match(image("Scanner", slices=3))
    assert queries.accept_candidates(100.0) == [query]


@pytest.mark.parametrize("is_lost", [False, True], ids=["same connection", "next connection"])
@pytest.mark.parametrize("name", ["A", "Scanner"])
def test_a_late_image_is_of_no_interest_nor_is_its_copy(queries: Queries, name: str, is_lost: bool):
    listed(queries, A=2, B=3)
    late = ask(queries, "IMAGE", "A")
    queries.remove_all() if is_lost else queries.abandon(late)
    first = queries.match(image(name))
    assert first is not None
    assert (first.device_name, first.is_abandoned) == ("A", True)
    if name == "A":
        assert queries.match(image("A")) is not None
    assert queries.match(image(name)) is None  # a stream


def test_an_image_of_a_stream_that_ran_before_answers_no_query(queries: Queries):
    assert queries.match(image("Ultrasound")) is None
    query = ask(queries, "IMAGE", "A")
    assert queries.match(image("Ultrasound")) is None
    assert queries.match(image("A")) is query


def test_an_image_of_a_stream_can_be_asked_for_by_its_name(queries: Queries):
    queries.match(image("Ultrasound"))
    query = ask(queries, "IMAGE", "Ultrasound")
    assert queries.match(image("Ultrasound")) is query


@pytest.mark.parametrize(
    "pushed",
    [
        codec.ImageMetaMessage(device_name="PlusServerImageMetaData"),
        codec.TrajectoryMessage(device_name="TrajectorySender"),
    ],
    ids=lambda message: message.type_name,
)
def test_a_list_that_was_pushed_before_answers_a_query_when_it_comes_again(
    queries: Queries, pushed: codec.Message
):
    # There are no streams of IMGMETA and TRAJ: whoever sends one means the list.
    assert queries.match(pushed) is None
    query = ask(queries, pushed.type_name)
    assert queries.match(pushed) is query


def test_expected_tells_by_the_header_whose_answer_arrives(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    header = codec.Header(1, "IMAGE", "A", codec.Timestamp(0), 1 << 20, 0)
    assert queries.expected(header) is query
    assert queries.expected(header._replace(type_name="TRANSFORM")) is None


def item_of(image_id: str, size: tuple[int, int, int] = (4, 3, 2)) -> codec.ImageMetaItem:
    return codec.ImageMetaItem(id=image_id, size=size, scalar_type=codec.ScalarType.UINT16)


def received(message: codec.Message) -> codec.Message:
    return codec.unpack(codec.pack(message))


def test_an_image_that_was_listed_before_may_still_come(queries: Queries):
    # Some servers push a list of what is new, and not of all that they have.
    listed(queries, "A", "B")
    queries.match(received(codec.ImageMetaMessage(items=[item_of("A"), item_of("B")])))
    queries.match(received(codec.ImageMetaMessage(items=[item_of("A")])))
    again = [item_of("A"), item_of("A", size=(9, 9, 9))]
    queries.match(received(codec.ImageMetaMessage(items=again)))
    query = ask(queries, "IMAGE", "A")
    answer_twice(queries, query, 1)
    assert not query.is_done


def test_the_labels_of_one_label_map_are_one_image(queries: Queries):
    labels = [codec.LabelMetaItem(id="SEG", label=label, size=(4, 3, 2)) for label in (1, 2, 3)]
    ask(queries, "LBMETA")
    queries.match(codec.LabelMetaMessage(items=labels))
    query = ask(queries, "IMAGE", "SEG")
    queries.match(image("Scanner"))
    assert queries.accept_candidates(100.0) == [query]
