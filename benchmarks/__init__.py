"""Reproducible measurements; each prints what it measured and against what."""
