"""How much each word moved a language model's answer, as one HTML file that opens anywhere."""

__version__ = "0.1.0"
