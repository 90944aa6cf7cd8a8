"""The command ``igtlmeta``.

``main`` runs a subcommand, each of which has a file: ``list``, ``fetch``, ``trajectories``,
``serve``, ``store``, ``index``, ``probe``, and ``record`` with ``replay``.

options  ``parser``, and what several have: ``connection_options``, ``tls_options``; of ``serve``:
         ``serving_options``, ``archive_options``, ``deidentify_options``
files    ``nrrd_file`` (images), ``markups_file`` (plans), ``store_images``; ``output``: the terminal
servers  ``serving``: until a signal ends it; ``hangup``, ``wake_up``, ``metrics``
"""
