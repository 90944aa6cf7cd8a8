"""The command ``igtlmeta``.

``main`` runs a subcommand, each of which has a file: ``list``, ``fetch``, ``trajectories``,
``serve``, ``store``, ``index``, ``probe``, and ``record`` with ``replay``.

options  ``parser``, and what several have: ``connection_options``, ``search_options``,
         ``tls_options``; of ``serve``: ``serving_options``, ``archive_options``,
         ``deidentify_options`` (``store_images``: of ``store``)
output   ``output`` (the terminal), ``nrrd_file`` (images), ``markups_file`` (plans)
servers  ``serving``: until a signal ends it; ``hangup``, ``wake_up``, ``metrics``
"""
