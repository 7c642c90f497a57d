"""The U-Net of Table 2: its layers, losses, source detection and inference."""
