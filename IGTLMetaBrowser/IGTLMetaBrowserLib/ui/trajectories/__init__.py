"""The table of trajectories, its menu, and sending plans to the server."""
