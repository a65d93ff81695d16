"""Virtual patients and clinics, and a platform in one process: what `heelrise simulate` runs."""
