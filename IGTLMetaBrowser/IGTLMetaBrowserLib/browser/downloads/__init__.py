"""Fetching images: ``downloads`` one after the other, ``part_downloads`` in parts."""
