"""How long judging takes, and how often a candidate at its margin passes: the product's own `judge` on made rows."""
