"""The simulated sky: galaxies of the EGG model and the maps made of them."""
