"""Nodes that came from a server, and how they become the user's own.

``attributes`` say from where a node came; ``server_sets`` has those of one kind by their server;
``copied_nodes`` are the user's, as ``released_nodes`` are.
"""
