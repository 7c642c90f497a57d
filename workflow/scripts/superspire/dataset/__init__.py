"""From maps to training images: cutouts, augmentation, interpolation."""
