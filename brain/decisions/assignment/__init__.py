"""Which variant a unit gets: hash, bucket ranges, targeting, ramps. Pure."""
