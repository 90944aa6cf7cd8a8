"""Which frames are one volume, and where it lies.

``stacks`` puts them together, by their ``places``, ``pixel_sizes``, ``spacing`` and
``repetitions``; ``names`` tells volumes apart, ``upright`` straightens tilted stacks.
"""
