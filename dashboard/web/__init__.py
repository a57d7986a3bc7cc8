"""The plumbing of a request: language, templates, assets, security, sign-in. Pages stand in `dashboard/pages`."""
