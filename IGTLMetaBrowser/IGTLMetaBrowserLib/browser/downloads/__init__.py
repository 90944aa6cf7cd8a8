"""Fetching images: ``downloads`` one after the other, ``part_downloads`` in parts.

``arrivals`` bring what has come into the scene. ``regions`` are parts that become volumes.
``free_memory`` says for how many there is room, ``withdrawn`` what the server has no more.
"""
