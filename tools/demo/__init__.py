"""The demo: real data, real training, real traffic, and a story that ends well or not at all."""
