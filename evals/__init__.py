"""Question sets, metrics and the reports they print. Run as: python -m bot eval --help"""
