"""What is reporting's own to judge: how far a patient's record is, what to call it, what may be shown."""
