"""Bring the index up to date with the knowledge folder: `python ingest.py [FOLDER]`."""

from bot.cli import main

main(prepend=["ingest"])
