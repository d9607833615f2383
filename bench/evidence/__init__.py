"""How often the evidence errs and how soon it sees harm: simulated traffic, judged by the product's own `decide`."""
