"""Sound to mouth: log-mel, speech encoder, readout, speech activity, offsets."""
