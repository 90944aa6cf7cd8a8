"""Slicer ends with 0 after the scene was closed, with images and trajectories in it."""

import slicer

from real_slicer.user import User


def run(step):
    user = User(step)
    yield from user.open_demo()
    yield from user.load("DEMO_MR")
    yield from user.get_trajectories(7)
    slicer.mrmlScene.Clear()
    yield step.pause(0.5)
