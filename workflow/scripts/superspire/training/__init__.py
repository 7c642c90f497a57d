"""Training of Keras networks, whatever their architecture."""
