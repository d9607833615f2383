"""Making the world as the plan wants it: compare, and call one port where it is not so."""
