"""Films on their way into the network."""
