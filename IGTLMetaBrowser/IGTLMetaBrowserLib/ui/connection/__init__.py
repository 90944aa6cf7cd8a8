"""Which server, how it is connected to, and its settings."""
