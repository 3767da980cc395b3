"""From a bundle to an image."""
