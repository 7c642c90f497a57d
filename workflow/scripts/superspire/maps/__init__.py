"""Read maps of the sky and put them on a grid."""
