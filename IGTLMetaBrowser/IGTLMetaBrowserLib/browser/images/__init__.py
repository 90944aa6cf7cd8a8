"""The images of a server: what is known of each, and its volume.

``list_requests`` ask for the list; ``image_states`` (with ``list_notes``), ``image_metadata`` and
``scene_images`` (which image is where in the scene) know the images. ``live_images`` (of
``unasked_images``, without those that are ``outdated``), ``recordings`` and ``sequences`` make
volumes otherwise than downloads do.
"""
