"""The project's own talking sample: a public-domain portrait, our own speech, and the true mouth of every frame."""

from .make import SHORT, STANDARD, Sample, SampleFormat, make_sample

__all__ = ["SHORT", "STANDARD", "Sample", "SampleFormat", "make_sample"]
