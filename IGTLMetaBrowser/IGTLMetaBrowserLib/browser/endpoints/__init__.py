"""Servers that the user starts: the scene's, and ``igtlmeta`` as a gateway to an archive."""
