"""The Read screen in pieces: what stands around the viewer."""
