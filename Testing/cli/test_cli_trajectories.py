"""``igtlmeta trajectories``: the table and the JSON."""

from __future__ import annotations

import json
import re
import socket

from cli.command import Shelf, igtlmeta, peer, say_nothing, served
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import TrajectoryItem, TrajectoryType

BIOPSY = TrajectoryItem(
    name="Bïopsy",
    group="Plan A",
    type=TrajectoryType.ENTRY_AND_TARGET,
    rgba=(255, 128, 0, 64),
    entry=(-30.5, 40.25, 60.0),
    target=(-10.0, 5.0, 1.5),
    diameter=2.5,
    owner="IMAGE_0",
)
ENTRY = TrajectoryItem(name="in", type=TrajectoryType.ENTRY, entry=(1, 2, 3), target=(9, 9, 9))
TARGET = TrajectoryItem(name="to", type=TrajectoryType.TARGET, entry=(9, 9, 9), target=(1, 2, 3))


def json_of(*items: TrajectoryItem) -> list[dict]:
    with served(Shelf(lines=list(items))) as address:
        result = igtlmeta("trajectories", address, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout, parse_constant=lambda word: f"{word} is no JSON")


def test_the_json_has_all_fields() -> None:
    assert json_of(BIOPSY) == [
        {
            "name": "Bïopsy",
            "group": "Plan A",
            "type": "entry-target",
            "rgba": [255, 128, 0, 64],
            "entry": [-30.5, 40.25, 60.0],
            "target": [-10.0, 5.0, 1.5],
            "diameter": 2.5,
            "owner": "IMAGE_0",
        }
    ]


def test_a_point_that_the_type_does_not_name_is_null() -> None:
    entry, target = json_of(ENTRY, TARGET)
    assert (entry["type"], entry["entry"], entry["target"]) == ("entry", [1, 2, 3], None)
    assert (target["type"], target["entry"], target["target"]) == ("target", None, [1, 2, 3])


def test_an_unknown_type_is_its_number() -> None:
    (trajectory,) = json_of(TrajectoryItem(name="?", type=-56))
    assert trajectory["type"] == "-56"


def test_what_is_no_number_is_null() -> None:
    nan, infinity = float("nan"), float("inf")
    (trajectory,) = json_of(TrajectoryItem(entry=(1, nan, 3), target=(1, 2, 3), diameter=infinity))
    assert (trajectory["entry"], trajectory["diameter"]) == (None, None)
    assert trajectory["target"] == [1, 2, 3]


def test_the_table_has_all_fields() -> None:
    with served(Shelf(lines=[BIOPSY, ENTRY])) as address:
        result = igtlmeta("trajectories", address)
    assert (result.returncode, result.stderr) == (0, "")
    headings, biopsy, entry = (re.split(" {2,}", line) for line in result.stdout.splitlines())
    assert headings == [
        "Name", "Group", "Type", "RGBA", "Entry (RAS mm)", "Target (RAS mm)", "Diameter (mm)",
        "Owner",
    ]  # fmt: skip
    assert biopsy == [
        "Bïopsy", "Plan A", "entry-target", "255 128 0 64",
        "-30.5 40.25 60", "-10 5 1.5", "2.5", "IMAGE_0",
    ]  # fmt: skip
    assert entry == ["in", "entry", "255 255 0 255", "1 2 3", "0"]


def test_no_trajectories_are_no_error() -> None:
    with served(Shelf()) as address:
        result = igtlmeta("trajectories", address)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"igtlmeta: {address} has no trajectories\n"
    assert json_of() == []


def test_trajectories_that_a_server_pushes_unasked_are_taken() -> None:
    def push(connection: socket.socket) -> None:
        connection.sendall(codec.pack(codec.TrajectoryMessage(items=[BIOPSY], device_name="Plan")))
        say_nothing(connection)

    with peer(push) as address:
        (trajectory,) = json.loads(igtlmeta("trajectories", address, "--json").stdout)
    assert trajectory["name"] == "Bïopsy"


def test_the_demo_plans_lie_on_both_sides(demo_address: str) -> None:
    trajectories = json.loads(igtlmeta("trajectories", demo_address, "--json").stdout)
    sides = {trajectory["name"]: trajectory["entry"] for trajectory in trajectories}
    assert sides["Left electrode"][0] < 0 < sides["Right electrode"][0]


def test_coordinates_and_the_meaning_of_the_diameter_can_be_overruled() -> None:
    with served(Shelf(lines=[BIOPSY])) as address:
        (as_sent,) = json.loads(igtlmeta("trajectories", address, "--json").stdout)
        (changed,) = json.loads(
            igtlmeta("trajectories", address, "--json", "--lps", "--radius").stdout
        )
    x, y, z = as_sent["entry"]
    assert changed["entry"] == [-x, -y, z]
    assert changed["diameter"] == 2 * as_sent["diameter"]


class Incomplete(Shelf):
    """A server that does not have the plans of all patients."""

    def notice_of_missing(self, data_type: str) -> str:
        return f"of another patient nothing is in {data_type}"


def test_that_plans_are_missing_is_told() -> None:
    with served(Incomplete(lines=[BIOPSY])) as address:
        result = igtlmeta("trajectories", address, "--json")
    assert result.returncode == 0
    assert len(json.loads(result.stdout)) == 1
    assert "of another patient nothing is in TRAJ" in result.stderr
