"""Care beside the loading: scores, Zone 2, adverse events. No step depends on a score or a heart rate."""
