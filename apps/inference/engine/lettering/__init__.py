"""Captions and titles that are burnt into the picture before a face."""
