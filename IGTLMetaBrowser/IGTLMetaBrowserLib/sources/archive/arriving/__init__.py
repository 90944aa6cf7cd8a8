"""An image that is sent while its series comes.

``arriving_volume`` is filled by files, a ``file_in_volume`` each, in the ``volume_memory``;
``growing_volume`` is how a client gets it.
"""
