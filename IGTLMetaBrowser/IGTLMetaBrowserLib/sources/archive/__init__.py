"""An archive (PACS): its list is a query, and its series are fetched when somebody asks for them.

what it can do  ``archive``, by ``dicomweb`` (with ``web_session``, ``web_answers``, ``multipart``,
                ``stow``) or ``dimse`` (with ``dimse_association``, ``dimse_watch``,
                ``dimse_files`` and ``dimse_port``), both with ``certificates`` and ``study_counts``
the source      ``source``, ``queries``, ``patterns``, ``found_series``, ``entries``, ``overlays``;
                ``threads``: how they end
a series        ``series_fetcher``, ``fetched_series``, ``series_cache``, ``disk_checks``,
                ``series_warm_up``;
                ``arriving_volume``, ``growing_volume``, ``file_in_volume``,
                ``volume_memory``: sent while it comes
"""
