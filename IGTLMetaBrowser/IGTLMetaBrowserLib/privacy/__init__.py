"""Keeps patient identity off the screen and out of logs."""
