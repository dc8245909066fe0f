"""What a training leaves on disk, and how it goes on from there."""
