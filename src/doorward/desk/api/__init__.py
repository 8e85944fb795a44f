"""Filing by programs: tokens, bodies, problems and the description of the interface."""
