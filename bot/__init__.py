"""A question-answering bot about blood stem cell transplantation that cites every sentence."""

__version__ = "0.1.0"
