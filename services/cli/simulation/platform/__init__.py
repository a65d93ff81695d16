"""The platform in one process, by a seed: real handlers over the in-memory twins, a hostile schedule."""
