"""The control plane: observe, plan, commit with one compare-and-set, apply."""
