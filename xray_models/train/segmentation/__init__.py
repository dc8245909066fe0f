"""Training of networks that say of each pixel what it shows: films, batches, loss, loop."""
