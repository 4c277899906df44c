"""Small helpers without a subject of their own in retrieval: formatting, files, progress, colours."""
