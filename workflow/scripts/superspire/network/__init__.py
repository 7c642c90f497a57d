"""The U-Net of Table 2, its losses, training and inference."""
