"""What type checkers know of the codec's classes is what Python does: this file is checked itself.

Where Python refuses a call, so does mypy: ``type: ignore`` says which error it reports there, and
one that reports none is an error itself (``warn_unused_ignores``).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from IGTLMetaBrowserLib import codec

TOP = Path(__file__).parents[2]
CHILDREN = [codec.ChildName("IMAGE", "AB")]
WITH_FIELDS: Sequence[tuple[codec.QueryMessage, codec.QueryMessage]] = (
    (
        codec.GetBindMessage(CHILDREN, False, device_name="A"),
        codec.GetBindMessage(children=CHILDREN, is_padded=False, device_name="A"),
    ),
    (
        codec.StartBindMessage(5, CHILDREN, False),
        codec.StartBindMessage(resolution=5, children=CHILDREN, is_padded=False),
    ),
    (
        codec.GetImagePartMessage((0, 0, 1), (4, 4, 1), (2, 2, 1), "tag"),
        codec.GetImagePartMessage(start=(0, 0, 1), size=(4, 4, 1), stride=(2, 2, 1), tag="tag"),
    ),
    (codec.StartPolyDataMessage(100), codec.StartPolyDataMessage(resolution=100)),
    (
        codec.StartTrackingDataMessage(50, "CAMERA"),
        codec.StartTrackingDataMessage(resolution=50, coordinate_name="CAMERA"),
    ),
    (
        codec.StartQuaternionTrackingDataMessage(50, "CAMERA"),
        codec.StartQuaternionTrackingDataMessage(resolution=50, coordinate_name="CAMERA"),
    ),
    (codec.StartVideoMessage("VP90", 40), codec.StartVideoMessage(codec="VP90", time_interval=40)),
    (codec.RTSBindMessage(1), codec.RTSBindMessage(status=1)),
    (codec.RTSPolyDataMessage(1), codec.RTSPolyDataMessage(status=1)),
    (codec.RTSTrackingDataMessage(1), codec.RTSTrackingDataMessage(status=1)),
    (codec.RTSQuaternionTrackingDataMessage(1), codec.RTSQuaternionTrackingDataMessage(status=1)),
    (
        codec.RTSCommandMessage(1, "name", "<xml/>"),
        codec.RTSCommandMessage(command_id=1, name="name", command="<xml/>"),
    ),
)


@pytest.mark.parametrize(("query", "by_name"), WITH_FIELDS, ids=lambda one: type(one).__name__)
def test_queries_with_fields_take_these_alone(
    query: codec.QueryMessage, by_name: codec.QueryMessage
) -> None:
    assert query == by_name
    assert query.type_name == query.prefix + query.data_type
    assert query.content == b"".join(query.pack_content()) != b""
    assert codec.unpack(codec.pack(query)) == query


def test_every_query_with_fields_is_above() -> None:
    classes = {getattr(codec, name) for name in codec.__all__}
    queries = {
        one for one in classes if isinstance(one, type) and issubclass(one, codec.QueryMessage)
    }
    of_any_type = {
        codec.QueryMessage,
        codec.GetMessage,
        codec.StartMessage,
        codec.StopMessage,
        codec.ReturnMessage,
    }
    assert queries == of_any_type | {type(query) for query, _ in WITH_FIELDS}


def test_what_is_the_class_s_is_no_argument_of_a_query_with_fields() -> None:
    with pytest.raises(TypeError, match="data_type"):
        codec.GetBindMessage(data_type="BIND")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="content"):
        codec.StartVideoMessage(content=b"")  # type: ignore[call-arg]


def test_queries_of_any_type_take_a_type_and_bytes() -> None:
    query = codec.GetMessage("IMAGE", b"content", device_name="A")
    assert query == codec.GetMessage(data_type="IMAGE", content=b"content", device_name="A")
    with pytest.raises(TypeError, match="data_type"):
        codec.GetMessage()  # type: ignore[call-arg]


def test_a_query_with_fields_is_a_query_of_its_kind() -> None:
    query: codec.GetMessage = codec.GetBindMessage(CHILDREN)
    assert isinstance(query, codec.GetMessage)


def test_items_of_a_list_have_their_type() -> None:
    item: codec.TrajectoryItem = codec.TrajectoryMessage([codec.TrajectoryItem("A")]).items[0]
    assert item.name == "A"
    with pytest.raises(AttributeError):
        _ = item.color_of_the_needle  # type: ignore[attr-defined]


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'NeedleMessage'"):
        _ = codec.NeedleMessage  # type: ignore[attr-defined]


def test_mypy_has_nothing_to_say_of_the_codec_and_of_this_file(
    pytestconfig: pytest.Config,
) -> None:
    """``pyproject.toml`` says how strict it is, and names both."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("mypy")  # numpy's types are the same the next time
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(folder)]
    checked = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=120)
    assert checked.returncode == 0, checked.stdout + checked.stderr
