"""Collection of data: DICOM folders to PNG, object storage, archives, Open-i's search.

Everything here streams: lists are walked, never held whole where they can be long, and what was
done is not done again.
"""
