"""Widgets, and what all tables and labels of the panel have in common."""
