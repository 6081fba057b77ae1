"""Building the encoder of the bundle from published weights; the service never imports this."""
