"""Trains the readout from sound to mouth on footage with its own sound."""
