"""What we are measured beside: each written from its library's ordinary API, in an environment of its own."""
