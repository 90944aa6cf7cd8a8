"""Recorded conversations.

``recorder`` writes one with ``relay`` (what goes through it) into a file (``recording``);
``replay`` is the recorded server again, with ``script`` (what it says, and when) and
``waiting_queries``.
"""
