"""Nodes of any kind: made, named, found and changed as Slicer can bear it.

``new_nodes``, ``node_names``, ``nodes_by_class``, ``node_references`` (which node shows what),
``unnoticed`` (changes of which nobody is notified).
"""
