"""What the thinking parts need from the world, as protocols of two to six verbs."""
