"""Slicer ends with 0 where the module was never opened."""


def run(step):
    yield step.pause(1)
