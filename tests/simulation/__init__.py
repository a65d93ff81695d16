"""Properties that hold for every simulated patient, and schedules of a whole platform in one process."""
