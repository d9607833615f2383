"""How long a commit takes to its first canary request and to all of the traffic, with everything real."""
