"""Mouths from a neural generator with Wav2Lip's interface; everything around the mouth is the engine's own."""
