"""Leaflets of others, fetched by an operator on a connected machine from a list of addresses with
their licences. Never part of answering: nothing that serves imports this."""

from bot.indexing.fetching.fetch import FetchReport, SourceReport, agent_of, fetch_sources
from bot.indexing.fetching.listed import Listed, Source, read_list
from bot.indexing.fetching.web import Limits, Web

__all__ = [
    "FetchReport",
    "Limits",
    "Listed",
    "Source",
    "SourceReport",
    "Web",
    "agent_of",
    "fetch_sources",
    "read_list",
]
