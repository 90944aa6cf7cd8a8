"""Slicer ends with 0 after the demo, an image and the trajectories."""

from real_slicer.user import User


def run(step):
    user = User(step)
    yield from user.open_demo()
    yield from user.load("DEMO_MR")
    yield from user.get_trajectories(7)
