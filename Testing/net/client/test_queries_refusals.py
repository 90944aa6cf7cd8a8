"""Which query a refusal answers, and an answer that cannot be read."""

from __future__ import annotations

import pytest

from helpers.peers import make_image
from helpers.queries import ask, image, rejected
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.other_names import GRACE_SECONDS
from IGTLMetaBrowserLib.net.client.queries import Queries

# The server says no


@pytest.mark.parametrize("data_type", ["IMGMETA", "TRAJ", "IMAGE"])
@pytest.mark.parametrize("name", ["", "Tracker"])
def test_an_error_of_something_else_is_no_refusal(queries: Queries, data_type: str, name: str):
    # A tracker reports that it sees nothing, while the server works on the list.
    query = ask(queries, data_type, "A" if data_type == "IMAGE" else "")
    code = codec.StatusCode.NOT_FOUND
    assert queries.match(codec.StatusMessage(code=code, device_name=name)) is None
    assert not query.is_done


def test_a_server_that_is_not_ready_is_waited_for(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(code=codec.StatusCode.NOT_READY, device_name="A")
    assert queries.match(status) is None
    assert queries.match(image("A")) is query


@pytest.mark.parametrize("data_type", ["IMGMETA", "TRAJ", "IMAGE"])
def test_rts_command_refuses_a_query_of_any_kind(queries: Queries, data_type: str):
    query = ask(queries, data_type)
    answer = codec.RTSCommandMessage(0, "GetImageMetaData", "DeviceId has a dash.")
    assert queries.match(answer) is query
    assert str(query.error).endswith(": DeviceId has a dash.")


def test_rts_command_of_a_success_refuses_nothing(queries: Queries):
    query = ask(queries, "IMGMETA")
    answer = codec.RTSCommandMessage(0, "GetImageMetaData", metadata={"Status": "SUCCESS"})
    assert queries.match(answer) is None
    assert not query.is_done


def test_a_status_under_the_name_of_the_query_is_a_refusal_in_the_servers_words(
    queries: Queries,
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
def test_a_status_that_all_is_well_answers_nothing(queries: Queries, code: codec.StatusCode):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(codec.StatusMessage(code=code, device_name="A")) is None
    assert not query.is_done
    assert queries.last_server_error == ""


def test_a_status_with_a_code_that_nobody_defined_is_a_refusal_with_its_number(
    queries: Queries,
):
    query = ask(queries, "IMAGE", "A")
    queries.match(codec.StatusMessage(code=99, device_name="A"))
    assert "status 99" in str(query.error)


def test_an_error_under_another_name_is_remembered_as_the_last_server_error(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(
        code=codec.StatusCode.BUSY, message="archive offline", device_name="Server"
    )
    assert queries.match(status) is None
    assert not query.is_done
    assert queries.last_server_error == "archive offline (status busy)"


def test_words_from_before_an_answer_do_not_explain_a_later_refusal(queries: Queries):
    status = codec.StatusMessage(
        code=codec.StatusCode.BUSY, message="archive offline", device_name="Server"
    )
    queries.match(status)
    ask(queries, "IMAGE", "A")
    queries.match(image("A"))
    query = ask(queries, "IMAGE", "B")
    queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="B"))
    assert str(query.error) == "the server does not send the image 'B'"


def test_control_characters_in_the_servers_words_do_not_reach_the_screen(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(
        code=codec.StatusCode.BUSY, message="\x1b[2Jgone\n", device_name="A"
    )
    queries.match(status)
    assert "\x1b" not in str(query.error)
    assert "gone" in str(query.error)


def test_rts_image_refuses_with_the_words_of_the_status_before_it(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(
        code=codec.StatusCode.BUSY, message="archive offline", device_name="Server"
    )
    queries.match(status)
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A")) is query
    assert isinstance(query.error, net.RefusedError)
    assert "archive offline" in str(query.error)


def test_rts_image_after_a_status_does_not_refuse_the_next_query(queries: Queries):
    # One refusal of our own server has two parts: STATUS with the words, then RTS_IMAGE.
    queries_refused = ask(queries, "IMAGE", "A")
    status = codec.StatusMessage(code=codec.StatusCode.NOT_FOUND, device_name="A")
    assert queries.match(status) is queries_refused
    asked_again = ask(queries, "IMAGE", "A")
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A")) is None
    assert not asked_again.is_done
    assert queries.match(image("A")) is asked_again


def test_rts_image_alone_refuses_after_a_refusal_by_status_alone(queries: Queries):
    """It may be the other half of that: what is asked again is given a moment for its answer."""
    ask(queries, "IMAGE", "A")
    queries.match(codec.StatusMessage(code=codec.StatusCode.NOT_FOUND, device_name="A"))
    asked_again = ask(queries, "IMAGE", "A")
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A"), 0.0) is None
    assert queries.accept_candidates(GRACE_SECONDS - 0.1) == []
    assert queries.accept_candidates(GRACE_SECONDS + 0.1) == [asked_again]
    assert str(asked_again.error) == "the server does not send the image 'A'"


def test_the_rts_of_a_lost_connection_is_not_waited_for(queries: Queries):
    ask(queries, "IMAGE", "A")
    queries.match(codec.StatusMessage(code=codec.StatusCode.NOT_FOUND, device_name="A"))
    queries.remove_all()  # the connection is gone
    asked_again = ask(queries, "IMAGE", "A")
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A")) is asked_again


def test_each_of_two_refusals_with_status_and_rts_keeps_its_words(queries: Queries):
    first, second = ask(queries, "IMAGE", "A"), ask(queries, "IMAGE", "A")
    for words in ("first", "second"):
        status = codec.StatusMessage(
            code=codec.StatusCode.NOT_FOUND, message=words, device_name="A"
        )
        queries.match(status)
        queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="A"))
    assert "first" in str(first.error)
    assert "second" in str(second.error)


def test_a_query_whose_type_name_is_cut_is_refused_by_a_cut_rts(queries: Queries):
    query = ask(queries, "CAPABILITY")
    assert codec.ReturnMessage("CAPABILITY").type_name == "RTS_CAPABILI"
    assert queries.match(codec.ReturnMessage("CAPABILI", b"\1")) is query


def test_rts_image_under_another_name_refuses_nothing(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(codec.ReturnMessage("IMAGE", b"\1", device_name="B")) is None
    assert not query.is_done


def test_rts_command_refuses_the_oldest_image_as_plusserver_does(queries: Queries):
    listing = ask(queries, "IMGMETA")
    query = ask(queries, "IMAGE", "A")
    xml = '<CommandReply Name="GetImage" Status="FAIL" Error="no such image" Message=""/>'
    answer = codec.RTSCommandMessage(0, "GetImage", xml, device_name="CommandReply")
    assert queries.match(codec.unpack(codec.pack(answer))) is query
    assert 'Error="no such image"' in str(query.error)
    assert not listing.is_done


def test_rts_command_with_the_error_in_its_metadata_refuses_in_these_words(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    metadata = {"Status": "FAIL", "Error": "no such image"}
    answer = codec.RTSCommandMessage(0, "GetImage", "<CommandReply/>", metadata=metadata)
    assert queries.match(codec.unpack(codec.pack(answer))) is query
    assert str(query.error) == "the server does not send the image 'A': no such image"


def test_rts_command_that_cannot_be_read_is_a_refusal_all_the_same(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(rejected("RTS_COMMAND", "CommandReply")) is query
    assert isinstance(query.error, net.RefusedError)
    assert str(query.error).endswith("its reason cannot be read: its bytes make no sense")
    assert queries.match(rejected("RTS_COMMAND", "CommandReply")) is None


# The answer cannot be read


def test_an_answer_that_cannot_be_read_says_why(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(rejected("IMAGE", "A")) is query
    assert isinstance(query.error, net.AnswerError)
    assert str(query.error) == "the image 'A' cannot be read: its bytes make no sense"


@pytest.mark.parametrize("name", ["A", "Scanner"])
def test_an_empty_image_means_that_the_server_has_none(queries: Queries, name: str):
    query = ask(queries, "IMAGE", "A")
    error = codec.EmptyContentError("there is nothing")
    queries.match(codec.Rejected(rejected("IMAGE", name).header, error))
    queries.accept_candidates(GRACE_SECONDS)  # under another name, it could be a stream's
    assert isinstance(query.error, net.RefusedError)
    assert str(query.error) == "the server has no data for the image 'A': its answer is empty"


@pytest.mark.parametrize("name", ["A", "Scanner"])
def test_an_image_without_voxels_means_that_too(queries: Queries, name: str):
    query = ask(queries, "IMAGE", "A")
    queries.match(make_image(1, (0, 0, 0), name))
    queries.accept_candidates(GRACE_SECONDS)
    assert "no data for the image 'A'" in str(query.error)


def test_an_empty_list_is_an_answer(queries: Queries):
    query = ask(queries, "IMGMETA")
    queries.match(codec.ImageMetaMessage())
    assert isinstance(query.answer, codec.ImageMetaMessage)
    assert len(query.answer.items) == 0


def test_an_unreadable_message_that_nobody_asked_for_answers_nothing(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(rejected("TRANSFORM", "Needle")) is None
    assert not query.is_done


def test_an_impossible_size_fails_the_oldest_query_whatever_type_it_claims(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    header = rejected("HTTP/1.1 400", body_size=1 << 63).header
    error = codec.BodySizeError("it claims 9223372036854775808 bytes")
    assert queries.match(codec.Rejected(header, error)) is query
    assert "9223372036854775808" in str(query.error)
