"""Trajectories that a set of them receives, at once or as a stream."""

from __future__ import annotations

from dataclasses import replace

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import TrajectoryItem

LINE = TrajectoryItem(
    name="Left electrode", group="Electrodes", entry=(1, 2, 3), target=(4, 5, 6), diameter=2.5
)
DRAIN = TrajectoryItem(name="Drain", group="Drainage", entry=(7, 8, 9), target=(1, 1, 1))


def receive(trajectories, *items, **options):
    trajectories.receive(items, **options)
    trajectories.finish()
    return trajectories.nodes


def stream(trajectories, *items):
    """The next message of a stream, without a pause to follow with what nobody sees."""
    message = codec.unpack(codec.pack(codec.TrajectoryMessage(items)))
    trajectories.receive(message.items, restore_removed=False)
    trajectories.step(trajectories.waiting)


def many(count):
    """Different lines as they come over the wire."""
    items = [replace(LINE, name=f"Line {n}", entry=(n, 0, 0)) for n in range(count)]
    return codec.unpack(codec.pack(codec.TrajectoryMessage(items))).items


def entry(node):
    return tuple(node.GetNthControlPointPosition(0))
