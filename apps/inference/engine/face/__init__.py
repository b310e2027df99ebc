"""Faces: detection, landmark mesh, tracking, the pose-free canonical frame and what the mouth does in it."""
