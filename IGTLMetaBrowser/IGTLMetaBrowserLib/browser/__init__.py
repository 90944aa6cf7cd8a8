"""The application without a window: a connection, a listing, downloads, and what is loaded.

``browser`` puts together what the other files do, and ``events`` is what it notifies of:

connection     ``connection``, ``reconnection`` (when to try again)
lists          ``listing`` (as it came), ``image_list`` (as it is shown: filtered and sorted),
               ``image_groups``, ``image_search``, ``trajectory_list``
images         ``images``, ``downloads`` (one after the other), ``part_downloads``, ``regions``,
               ``live_images``, ``recordings``, ``thumbnails``, ``slice_previews``
beside images  ``trajectories``, ``overlays``, ``image_metadata``
messages       ``held_messages`` (for a list), ``preparation`` (what takes long, in turns)
other ends     ``scene_server`` (others fetch from the scene), ``gateway_process`` (an archive)
"""

from .browser import Browser

__all__ = ["Browser"]
