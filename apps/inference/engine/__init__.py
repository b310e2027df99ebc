"""The lipsync engine: plain Python and NumPy, knows nothing of the studio around it."""
