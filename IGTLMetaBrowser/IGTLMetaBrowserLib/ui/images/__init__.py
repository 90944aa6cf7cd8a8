"""The table of images, and what is loaded from it.

the table       ``section`` has it, ``table`` is its model: what the ``rows`` say, with
                ``group_texts``, ``state_appearance``, ``state_icons``; ``column_numbers``,
                ``columns``, ``thumbnail_column``; ``row_selection``
above it        ``filter_section`` with ``search_fields`` and ``modality_filter``; ``list_info``,
                ``list_notice``
below it        ``preview_section``, ``overlay_section``
menus           ``context_menu``, ``region_menu``, ``record_button``; ``sequence_loading`` (4D),
                ``copying``
questions       ``memory_question``, ``kept_previews``
hidden patients ``covering``
"""
