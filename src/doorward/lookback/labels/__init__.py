"""People label reasons; what no pattern caught is ranked; errors are measured."""
