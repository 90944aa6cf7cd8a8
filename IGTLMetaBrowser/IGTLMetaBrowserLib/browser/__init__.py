"""The application without a window: a connection, a listing, downloads, and what is loaded.

``base_browser`` puts together what the others do, ``browser`` has blocking calls for scripts, and
``events`` are what they notify of:

lists          as they came, and as they are shown: filtered and sorted
images         their list, states, metadata and volumes
downloads      one after the other, and in parts; ``server_images`` puts these three together
previews       thumbnails and slices of what is not loaded
endpoints      servers that the user starts: the scene's, a gateway to an archive
connection     ``connection``, ``reconnection`` (when to try again)
beside images  ``trajectories`` and ``trajectory_documents``, ``overlays`` (label maps, points,
               colors), ``owned_nodes`` (whose)
side by side   ``open_browsers``: of panels and of scripts
messages       ``held_messages`` (for a list), ``preparation`` (what takes long, in turns)
"""

from .browser import Browser

__all__ = ["Browser"]
