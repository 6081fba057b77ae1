"""The service: one call in, one Assist out, over HTTP and the command line."""
