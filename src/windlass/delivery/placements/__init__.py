"""Which replicas must run, and how many: today on the one machine there is."""
