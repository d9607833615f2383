"""How requests find a release: routes, weights and roles, as the slice of a site's signed plan."""
