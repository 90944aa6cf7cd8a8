"""The images of a server: what is known of each, and its volume.

``images`` puts together ``image_states`` (with ``list_notes``), ``image_metadata`` and
``scene_images`` (which image is where in the scene) with what makes volumes otherwise:
``live_images`` (of ``unasked_images``, without those that are ``outdated``), ``recordings``,
``sequences`` and ``regions``.
"""
