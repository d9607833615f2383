"""What must be run so that a commit becomes a release, and what the run's result is worth."""
