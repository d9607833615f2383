"""A frozen snapshot becomes a plan and a report in one pass, stage after stage."""
