"""What is to be known about footage and sound before a run: where it will be weak, and what to do about it."""
