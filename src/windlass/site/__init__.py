"""The site agent: holds the last good signed plan and keeps answering, whoever else is gone."""
