"""Which query a message answers, without sockets and without a clock."""

from __future__ import annotations

import pytest

from helpers.peers import make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.other_names import CONFIRM_SECONDS, GRACE_SECONDS

TIMEOUT = 15.0


def ask(queries: net.Queries, data_type: str, device_name: str = "", now: float = 0.0) -> net.Query:
    query = net.Query(data_type, device_name)
    queries.add(query, now)
    return query


def image(device_name: str, slices: int = 2, shade: int = 1) -> codec.ImageMessage:
    return make_image(shade, (4, 3, slices), device_name)


def listed(queries: net.Queries, *ids: str, **slices: int) -> None:
    """Let the server list images as ``image`` makes them; ``ids`` have 2 slices."""
    items = [
        codec.ImageMetaItem(id=id_, size=(4, 3, count), scalar_type=codec.ScalarType.UINT16)
        for id_, count in {**dict.fromkeys(ids, 2), **slices}.items()
    ]
    ask(queries, "IMGMETA")
    queries.match(codec.ImageMetaMessage(items=items))


def rejected(type_name: str, device_name: str = "", body_size: int = 80) -> codec.Rejected:
    header = codec.Header(1, type_name, device_name, codec.Timestamp(0), body_size, 0)
    return codec.Rejected(header, codec.DecodeError("its bytes make no sense"))


@pytest.fixture
def queries() -> net.Queries:
    return net.Queries(TIMEOUT)


# By name


def test_an_answer_goes_to_the_query_of_its_type_and_name(queries: net.Queries):
    first = ask(queries, "IMAGE", "A")
    second = ask(queries, "IMAGE", "B")
    answer = image("B")
    assert queries.match(answer) is second
    assert second.answer is answer
    assert not first.is_done


def test_what_nobody_asked_for_answers_nothing(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(codec.TrajectoryMessage(device_name="A")) is None
    assert queries.match(codec.GetMessage("IMAGE", device_name="A")) is None
    assert not query.is_done


def test_a_query_is_answered_once(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    first = image("A")
    queries.match(first)
    assert queries.match(image("A")) is None
    assert query.answer is first


def test_two_queries_for_the_same_image_get_an_answer_each(queries: net.Queries):
    first = ask(queries, "IMAGE", "A")
    second = ask(queries, "IMAGE", "A")
    assert queries.match(image("A")) is first
    assert queries.match(image("A")) is second


# Under another name, as real servers answer


def test_a_list_under_another_name_answers_the_query_for_it(queries: net.Queries):
    query = ask(queries, "IMGMETA")
    answer = codec.ImageMetaMessage(device_name="PlusServerImageMetaData")
    assert queries.match(answer) is query


def test_an_image_under_another_name_is_taken_after_a_while_if_it_is_as_listed(
    queries: net.Queries,
):
    listed(queries, A=2, B=3)
    oldest = ask(queries, "IMAGE", "A")
    ask(queries, "IMAGE", "B")
    answer = image("Scanner")
    assert queries.match(answer, now=1.0) is None
    assert queries.next_deadline == 1.0 + CONFIRM_SECONDS
    assert queries.accept_candidates(10.9) == []
    assert queries.accept_candidates(11.0) == [oldest]
    assert oldest.answer is answer


def test_the_next_image_under_the_name_of_an_answer_is_taken_sooner(queries: net.Queries):
    listed(queries, A=2, B=3)
    ask(queries, "IMAGE", "A")
    queries.match(image("Scanner"), now=1.0)
    queries.accept_candidates(20.0)
    second = ask(queries, "IMAGE", "B", now=20.0)
    queries.match(image("Scanner", slices=3), now=21.0)
    assert queries.accept_candidates(21.0 + GRACE_SECONDS) == [second]


def test_a_candidate_is_awaited_longer_than_the_time_out():
    # The time-out may be shorter than the time in which a slow stream shows itself.
    queries = net.Queries(2.0)
    listed(queries, "A")
    query = ask(queries, "IMAGE", "A")
    queries.match(image("Ultrasound"), now=1.0)
    assert queries.expired(5.0) == []
    queries.match(image("Ultrasound"), now=6.0)
    assert queries.expired(6.0) == [query]


def test_an_image_of_another_name_that_could_be_two_of_the_list_is_not_taken(
    queries: net.Queries,
):
    listed(queries, "A", "B")
    query = ask(queries, "IMAGE", "A")
    assert queries.match(image("Scanner")) is None
    assert queries.accept_candidates(100.0) == []
    assert "more than one image of the list" in query.came_instead


def test_the_right_image_counts_more_than_one_of_another_name_that_came_before(
    queries: net.Queries,
):
    listed(queries, "A")
    query = ask(queries, "IMAGE", "A")
    queries.match(image("Scanner"))
    right = image("A")
    assert queries.match(right) is query
    assert query.answer is right
    assert queries.accept_candidates(100.0) == []


def test_an_image_under_another_name_that_comes_again_is_a_stream(queries: net.Queries):
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
def test_an_image_that_cannot_be_the_one_is_not_taken(
    queries: net.Queries, other: codec.ImageMessage
):
    listed(queries, "A", "B")
    query = ask(queries, "IMAGE", "A")
    assert queries.match(other) is None
    assert queries.accept_candidates(100.0) == []
    assert not query.is_done


def test_without_a_list_no_image_of_another_name_is_taken(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(image("Scanner")) is None
    assert queries.accept_candidates(100.0) == []
    assert not query.is_done


def test_an_id_that_a_server_has_not_padded_with_nul_is_found(queries: net.Queries):
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


def test_whoever_asks_for_any_image_gets_the_first(queries: net.Queries):
    query = ask(queries, "IMAGE")
    assert queries.match(image("Scanner")) is query


def test_the_same_voxels_are_not_taken_for_a_second_image(queries: net.Queries):
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


def test_a_late_image_of_another_name_is_that_of_the_query_before(queries: net.Queries):
    listed(queries, A=2, B=3)
    late = ask(queries, "IMAGE", "A")
    queries.abandon(late)
    query = ask(queries, "IMAGE", "B")
    assert queries.match(image("Scanner")) is late
    assert not query.is_done
    queries.match(image("Scanner", slices=3))
    assert queries.accept_candidates(100.0) == [query]


def test_an_image_that_is_lost_with_its_connection_may_come_on_the_next(queries: net.Queries):
    # The list is wrong: A has the size that is listed for B.
    listed(queries, A=2, B=3)
    ask(queries, "IMAGE", "A")
    queries.remove_all()
    query = ask(queries, "IMAGE", "B")
    assert queries.match(image("Scanner", slices=3)) is None
    assert queries.accept_candidates(100.0) == []
    assert "may be the late answer for 'A'" in query.came_instead


def test_what_is_owed_for_the_same_id_may_answer_the_next_query(queries: net.Queries):
    listed(queries, "A")
    ask(queries, "IMAGE", "A")
    queries.remove_all()
    query = ask(queries, "IMAGE", "A")
    queries.match(image("Scanner"))
    assert queries.accept_candidates(100.0) == [query]


def test_an_answer_settles_what_was_owed(queries: net.Queries):
    listed(queries, A=2, B=3)
    ask(queries, "IMAGE", "A")
    queries.remove_all()
    queries.match(image("A"))
    query = ask(queries, "IMAGE", "B")
    queries.match(image("Scanner", slices=3))
    assert queries.accept_candidates(100.0) == [query]


@pytest.mark.parametrize("is_lost", [False, True], ids=["same connection", "next connection"])
@pytest.mark.parametrize("name", ["A", "Scanner"])
def test_a_late_image_is_of_no_interest_nor_is_its_copy(
    queries: net.Queries, name: str, is_lost: bool
):
    listed(queries, A=2, B=3)
    late = ask(queries, "IMAGE", "A")
    queries.remove_all() if is_lost else queries.abandon(late)
    first = queries.match(image(name))
    assert first is not None
    assert (first.device_name, first.is_abandoned) == ("A", True)
    if name == "A":
        assert queries.match(image("A")) is not None
    assert queries.match(image(name)) is None  # a stream


def test_an_image_of_a_stream_that_ran_before_answers_no_query(queries: net.Queries):
    assert queries.match(image("Ultrasound")) is None
    query = ask(queries, "IMAGE", "A")
    assert queries.match(image("Ultrasound")) is None
    assert queries.match(image("A")) is query


def test_an_image_of_a_stream_can_be_asked_for_by_its_name(queries: net.Queries):
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
    queries: net.Queries, pushed: codec.Message
):
    # There are no streams of IMGMETA and TRAJ: whoever sends one means the list.
    assert queries.match(pushed) is None
    query = ask(queries, pushed.type_name)
    assert queries.match(pushed) is query


def test_expected_tells_by_the_header_whose_answer_arrives(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    header = codec.Header(1, "IMAGE", "A", codec.Timestamp(0), 1 << 20, 0)
    assert queries.expected(header) is query
    assert queries.expected(header._replace(type_name="TRANSFORM")) is None


# The server says no


@pytest.mark.parametrize("data_type", ["IMGMETA", "TRAJ", "IMAGE"])
@pytest.mark.parametrize("name", ["", "Tracker"])
def test_an_error_of_something_else_is_no_refusal(queries: net.Queries, data_type: str, name: str):
    # A tracker reports that it sees nothing, while the server works on the list.
    query = ask(queries, data_type, "A" if data_type == "IMAGE" else "")
    code = codec.StatusCode.NOT_FOUND
    assert queries.match(codec.StatusMessage(code=code, device_name=name)) is None
    assert not query.is_done


def test_a_server_that_is_not_ready_is_waited_for(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(code=codec.StatusCode.NOT_READY, device_name="A")
    assert queries.match(status) is None
    assert queries.match(image("A")) is query


@pytest.mark.parametrize("data_type", ["IMGMETA", "TRAJ", "IMAGE"])
def test_rts_command_refuses_a_query_of_any_kind(queries: net.Queries, data_type: str):
    query = ask(queries, data_type)
    answer = codec.RTSCommandMessage(0, "GetImageMetaData", "DeviceId has a dash.")
    assert queries.match(answer) is query
    assert str(query.error).endswith(": DeviceId has a dash.")


def test_rts_command_of_a_success_refuses_nothing(queries: net.Queries):
    query = ask(queries, "IMGMETA")
    answer = codec.RTSCommandMessage(0, "GetImageMetaData", metadata={"Status": "SUCCESS"})
    assert queries.match(answer) is None
    assert not query.is_done


def test_a_status_under_the_name_of_the_query_is_a_refusal_in_the_servers_words(
    queries: net.Queries,
):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(
        code=codec.StatusCode.NOT_FOUND, message="image was deleted", device_name="A"
    )
    assert queries.match(status) is query
    assert isinstance(query.error, net.RefusedError)
    assert "the image 'A'" in str(query.error)
    assert "image was deleted (status not found)" in str(query.error)


@pytest.mark.parametrize("code", [codec.StatusCode.OK, codec.StatusCode.INVALID])
def test_a_status_that_all_is_well_answers_nothing(queries: net.Queries, code: codec.StatusCode):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(codec.StatusMessage(code=code, device_name="A")) is None
    assert not query.is_done
    assert queries.last_server_error == ""


def test_a_status_with_a_code_that_nobody_defined_is_a_refusal_with_its_number(
    queries: net.Queries,
):
    query = ask(queries, "IMAGE", "A")
    queries.match(codec.StatusMessage(code=99, device_name="A"))
    assert "status 99" in str(query.error)


def test_an_error_under_another_name_is_remembered_as_the_last_server_error(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(
        code=codec.StatusCode.BUSY, message="archive offline", device_name="Server"
    )
    assert queries.match(status) is None
    assert not query.is_done
    assert queries.last_server_error == "archive offline (status busy)"


def test_words_from_before_an_answer_do_not_explain_a_later_refusal(queries: net.Queries):
    status = codec.StatusMessage(
        code=codec.StatusCode.BUSY, message="archive offline", device_name="Server"
    )
    queries.match(status)
    ask(queries, "IMAGE", "A")
    queries.match(image("A"))
    query = ask(queries, "IMAGE", "B")
    queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="B"))
    assert str(query.error) == "the server does not send the image 'B'"


def test_control_characters_in_the_servers_words_do_not_reach_the_screen(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(
        code=codec.StatusCode.BUSY, message="\x1b[2Jgone\n", device_name="A"
    )
    queries.match(status)
    assert "\x1b" not in str(query.error)
    assert "gone" in str(query.error)


def test_rts_image_refuses_with_the_words_of_the_status_before_it(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(
        code=codec.StatusCode.BUSY, message="archive offline", device_name="Server"
    )
    queries.match(status)
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A")) is query
    assert isinstance(query.error, net.RefusedError)
    assert "archive offline" in str(query.error)


def test_rts_image_after_a_status_does_not_refuse_the_next_query(queries: net.Queries):
    # One refusal of our own server has two parts: STATUS with the words, then RTS_IMAGE.
    queries_refused = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(code=codec.StatusCode.NOT_FOUND, device_name="A")
    assert queries.match(status) is queries_refused
    asked_again = ask(queries, "IMAGE", "A")
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A")) is None
    assert not asked_again.is_done
    assert queries.match(image("A")) is asked_again


def test_the_rts_of_a_lost_connection_is_not_waited_for(queries: net.Queries):
    ask(queries, "IMAGE", "A")
    queries.match(codec.StatusMessage(code=codec.StatusCode.NOT_FOUND, device_name="A"))
    queries.remove_all()  # the connection is gone
    asked_again = ask(queries, "IMAGE", "A")
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A")) is asked_again


def test_each_of_two_refusals_with_status_and_rts_keeps_its_words(queries: net.Queries):
    first, second = ask(queries, "IMAGE", "A"), ask(queries, "IMAGE", "A")
    for words in ("first", "second"):
        status = codec.StatusMessage(
            code=codec.StatusCode.NOT_FOUND, message=words, device_name="A"
        )
        queries.match(status)
        queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A"))
    assert "first" in str(first.error)
    assert "second" in str(second.error)


def test_a_query_whose_type_name_is_cut_is_refused_by_a_cut_rts(queries: net.Queries):
    query = ask(queries, "CAPABILITY")
    assert codec.ReturnMessage("CAPABILITY").type_name == "RTS_CAPABILI"
    assert queries.match(codec.ReturnMessage("CAPABILI", b"\1")) is query


def test_rts_image_under_another_name_refuses_nothing(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="B")) is None
    assert not query.is_done


def test_rts_command_refuses_the_oldest_image_as_plusserver_does(queries: net.Queries):
    listing = ask(queries, "IMGMETA")
    query = ask(queries, "IMAGE", "A")
    xml = '<CommandReply Name="GetImage" Status="FAIL" Error="no such image" Message=""/>'
    answer = codec.RTSCommandMessage(0, "GetImage", xml, device_name="CommandReply")
    assert queries.match(codec.unpack(codec.pack(answer))) is query
    assert 'Error="no such image"' in str(query.error)
    assert not listing.is_done


def test_rts_command_with_the_error_in_its_metadata_refuses_in_these_words(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    metadata = {"Status": "FAIL", "Error": "no such image"}
    answer = codec.RTSCommandMessage(0, "GetImage", "<CommandReply/>", metadata=metadata)
    assert queries.match(codec.unpack(codec.pack(answer))) is query
    assert str(query.error) == "the server does not send the image 'A': no such image"


def test_rts_command_that_cannot_be_read_is_a_refusal_all_the_same(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(rejected("RTS_COMMAND", "CommandReply")) is query
    assert isinstance(query.error, net.RefusedError)
    assert str(query.error).endswith("its reason cannot be read: its bytes make no sense")
    assert queries.match(rejected("RTS_COMMAND", "CommandReply")) is None


# The answer cannot be read


def test_an_answer_that_cannot_be_read_says_why(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(rejected("IMAGE", "A")) is query
    assert isinstance(query.error, net.AnswerError)
    assert str(query.error) == "the image 'A' cannot be read: its bytes make no sense"


@pytest.mark.parametrize("name", ["A", "Scanner"])
def test_an_empty_image_means_that_the_server_has_none(queries: net.Queries, name: str):
    query = ask(queries, "IMAGE", "A")
    error = codec.EmptyContentError("there is nothing")
    queries.match(codec.Rejected(rejected("IMAGE", name).header, error))
    queries.accept_candidates(GRACE_SECONDS)  # under another name, it could be a stream's
    assert isinstance(query.error, net.RefusedError)
    assert str(query.error) == "the server has no data for the image 'A': its answer is empty"


@pytest.mark.parametrize("name", ["A", "Scanner"])
def test_an_image_without_voxels_means_that_too(queries: net.Queries, name: str):
    query = ask(queries, "IMAGE", "A")
    queries.match(make_image(1, (0, 0, 0), name))
    queries.accept_candidates(GRACE_SECONDS)
    assert "no data for the image 'A'" in str(query.error)


def test_an_empty_list_is_an_answer(queries: net.Queries):
    query = ask(queries, "IMGMETA")
    queries.match(codec.ImageMetaMessage())
    assert isinstance(query.answer, codec.ImageMetaMessage)
    assert len(query.answer.items) == 0


def test_an_unreadable_message_that_nobody_asked_for_answers_nothing(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(rejected("TRANSFORM", "Needle")) is None
    assert not query.is_done


def test_an_impossible_size_fails_the_oldest_query_whatever_type_it_claims(queries: net.Queries):
    query = ask(queries, "IMAGE", "A")
    header = rejected("HTTP/1.1 400", body_size=1 << 63).header
    error = codec.BodySizeError("it claims 9223372036854775808 bytes")
    assert queries.match(codec.Rejected(header, error)) is query
    assert "9223372036854775808" in str(query.error)


# Cancelled queries


def test_the_answer_to_a_cancelled_query_is_passed_over(queries: net.Queries):
    cancelled = ask(queries, "IMAGE", "A")
    wanted = ask(queries, "IMAGE", "B")
    cancelled.is_abandoned = True
    assert queries.match(image("A")) is cancelled
    assert cancelled.answer is None
    assert queries.match(image("B")) is wanted


def test_who_asks_again_after_cancelling_gets_the_first_answer(queries: net.Queries):
    cancelled = ask(queries, "IMAGE", "A")
    cancelled.is_abandoned = True
    wanted = ask(queries, "IMAGE", "A")
    assert queries.match(image("A")) is wanted
    assert queries.match(image("A")) is cancelled
    assert queries.waiting == []


def test_a_refusal_of_a_cancelled_query_is_not_kept(queries: net.Queries):
    cancelled = ask(queries, "IMAGE", "A")
    cancelled.error = net.CancelledError("cancelled")
    cancelled.is_abandoned = True
    queries.match(codec.StatusMessage(code=codec.StatusCode.NOT_FOUND, device_name="A"))
    assert isinstance(cancelled.error, net.CancelledError)


# Time


def test_a_query_expires_after_the_time_out(queries: net.Queries):
    query = ask(queries, "IMAGE", "A", now=100.0)
    assert queries.next_deadline == 100.0 + TIMEOUT
    assert queries.expired(114.9) == []
    assert queries.expired(115.0) == [query]


def test_while_bytes_arrive_no_query_expires(queries: net.Queries):
    ask(queries, "IMAGE", "A", now=100.0)
    ask(queries, "IMAGE", "B", now=105.0)
    queries.bytes_arrived(110.0)
    assert queries.next_deadline == 110.0 + TIMEOUT
    assert queries.expired(124.9) == []
    assert len(queries.expired(125.0)) == 2


def test_an_abandoned_query_never_expires_and_its_late_answer_is_passed_over(
    queries: net.Queries,
):
    query = ask(queries, "IMAGE", "A")
    queries.abandon(query)
    assert queries.next_deadline is None
    assert queries.match(image("A")) is query
    assert query.answer is None


# What a user reads


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (net.Query("IMGMETA"), "the list of images"),
        (net.Query("TRAJ"), "the trajectories"),
        (net.Query("IMAGE", "CT_7"), "the image 'CT_7'"),
        (net.Query("IMAGE", "a\x1bb"), "the image 'a\N{REPLACEMENT CHARACTER}b'"),
        (net.Query("TRANSFORM", "Needle"), "TRANSFORM 'Needle'"),
    ],
)
def test_a_query_in_words(query: net.Query, words: str):
    assert str(query) == words
