"""Statistics, sketches and packing as functions of numbers; each file names the paper it follows."""
