"""What callers notice when everything but the site is gone: nothing, and how soon a site starts cold."""
