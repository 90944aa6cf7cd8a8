"""The module's own servers: the demo, and the scene that is shared with others."""
