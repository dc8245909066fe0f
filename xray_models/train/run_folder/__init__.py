"""Run folder of a training: checkpoints and journal on disk, and how it goes on from them."""
