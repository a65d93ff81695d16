"""The clinical heart: patients as folds over the log, and what a protocol concludes. Pure."""
