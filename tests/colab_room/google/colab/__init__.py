"""A stand-in for Colab's package: only what a lesson may use; anything else raises AttributeError."""

from google.colab import files, output  # noqa: F401
