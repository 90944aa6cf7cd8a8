"""Slicer's slice and 3D views: what they show of images, and when they are drawn."""
