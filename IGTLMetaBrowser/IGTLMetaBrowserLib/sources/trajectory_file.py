"""Trajectories in a JSON file, in the form that ``igtlmeta trajectories --json`` prints.

A list of objects with the keys

=========  ======================================================================================
name       text, at most 64 bytes of UTF-8
group      text, at most 32 bytes
type       "entry", "target" or "entry-target"
rgba       [red, green, blue, opacity], each 0 to 255
entry      [x, y, z] in RAS mm, or null if the type has no entry
target     [x, y, z] in RAS mm, or null if the type has no target
diameter   mm, 0 if it is not known
owner      the id of the image it was planned on, or (in a DICOM folder) a SeriesInstanceUID
=========  ======================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import codec
from ..lengths import LONGEST
from ..net.source import SourceError
from ..system_errors import why_not_read
from ..whole_file import replaced_at_end
from .json_file import read_json

TYPE_NAMES = {
    codec.TrajectoryType.ENTRY: "entry",
    codec.TrajectoryType.TARGET: "target",
    codec.TrajectoryType.ENTRY_AND_TARGET: "entry-target",
}


def read_trajectories(path: Path, *, may_be_pipe: bool = False) -> list[codec.TrajectoryItem]:
    """Read a file; raises ``SourceError``, which says what is wrong in it."""
    try:
        objects = read_json(path, may_be_pipe=may_be_pipe)
    except OSError as error:
        raise SourceError(why_not_read(error, path)) from error
    except SourceError as error:
        raise SourceError(f"The trajectories in {str(path)!r} cannot be read: {error}") from None
    except (RecursionError, ValueError) as error:
        raise SourceError(
            f"The trajectories in {str(path)!r} cannot be read: it is no JSON: {error}; "
            "write them as igtlmeta trajectories --json does"
        ) from error
    if not isinstance(objects, list):
        raise SourceError(
            f'{str(path)!r} must hold a list of trajectories: [{{"name": ...}}, ...]; write it as '
            "igtlmeta trajectories --json does"
        )
    items = []
    for number, trajectory in enumerate(objects, start=1):
        try:
            items.append(trajectory_from_json(trajectory))
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            problem = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise SourceError(f"Trajectory {number} in {str(path)!r}: {problem}") from error
    return items


def write_trajectories(path: Path, items: Iterable[codec.TrajectoryItem]) -> None:
    """Write a file that ``read_trajectories`` reads. Raises ``OSError``."""
    objects = [trajectory_to_json(item) for item in items]
    text = json.dumps(objects, indent=1, ensure_ascii=False) + "\n"
    with replaced_at_end(path) as part:
        part.write_text(text, encoding="utf-8")


def trajectory_to_json(item: codec.TrajectoryItem) -> dict[str, Any]:
    """One trajectory as an object for JSON; a type that OpenIGTLink does not define stays a
    number."""
    has_entry = item.type != codec.TrajectoryType.TARGET
    has_target = item.type != codec.TrajectoryType.ENTRY
    return {
        "name": item.name,
        "group": item.group,
        "type": TYPE_NAMES.get(item.type, int(item.type)),
        "rgba": list(item.rgba),
        "entry": list(item.entry) if has_entry else None,
        "target": list(item.target) if has_target else None,
        "diameter": item.diameter,
        "owner": item.owner,
    }


def trajectory_from_json(trajectory: dict[str, Any]) -> codec.TrajectoryItem:
    """The reverse; raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is no
    trajectory."""
    if not isinstance(trajectory, dict):
        raise TypeError("it is no object with name, type and points")
    types = {name: type_ for type_, name in TYPE_NAMES.items()}
    if trajectory["type"] not in types:
        raise ValueError(f"type is {trajectory['type']!r}, not one of {', '.join(types)}")
    type_ = types[trajectory["type"]]
    has_entry = type_ != codec.TrajectoryType.TARGET
    has_target = type_ != codec.TrajectoryType.ENTRY
    return codec.TrajectoryItem(
        name=_text("name", trajectory["name"], 64),
        group=_text("group", trajectory.get("group", ""), 32),
        type=type_,
        rgba=_numbers("rgba", trajectory.get("rgba", (255, 255, 0, 255)), int, 4, 0, 255),
        entry=_numbers("entry", trajectory["entry"], float, 3) if has_entry else (0.0, 0.0, 0.0),
        target=_numbers("target", trajectory["target"], float, 3)
        if has_target
        else (0.0, 0.0, 0.0),
        diameter=_numbers("diameter", [trajectory.get("diameter", 0.0)], float, 1, 0)[0],
        owner=_text("owner", trajectory.get("owner", "")),
    )


def _text(key: str, value: Any, most: int | None = None) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key} is {value!r}, no text")
    if most is not None and len(value.encode()) > most:
        raise ValueError(f"{key} is {value[:most]!r}..., not at most {most} bytes of UTF-8")
    return value


def _numbers(
    key: str,
    values: Any,
    kind: type,
    count: int,
    least: float = -LONGEST,
    most: float = LONGEST,
) -> tuple[Any, ...]:
    # No texts: of "1_0", which is 10 in Python, others read 1.
    is_list = isinstance(values, (list, tuple)) and len(values) == count
    if not is_list or not all(type(value) in (int, float) for value in values):
        raise ValueError(f"{key} is {values!r}, not {count} numbers")
    numbers = tuple(kind(value) for value in values)
    if not all(least <= number <= most for number in numbers):
        raise ValueError(f"{key} is {values!r}, not from {least:g} to {most:g}")
    return numbers
