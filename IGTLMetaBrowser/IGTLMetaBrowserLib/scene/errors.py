"""What can go wrong between a message and the scene."""

from __future__ import annotations


class SceneError(ValueError):
    """A message cannot be shown in a scene; the text says what is wrong with it."""
