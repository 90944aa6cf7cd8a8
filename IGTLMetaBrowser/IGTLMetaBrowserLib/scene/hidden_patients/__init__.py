"""What names a patient in a scene, and what stands there while patients are hidden.

``covered_texts`` says who hides what; ``covered_ids`` does so in IDs, ``item_titles`` in the
subject hierarchy, ``patient_items`` also where no image is any more. ``patient_marks`` says whose
a node is.
"""
