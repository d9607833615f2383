"""Making the world as the plan wants it: compare, call one port, return an outcome."""
