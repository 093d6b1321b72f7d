"""The web edge: chat page, plain page, source reader and API, all fed by the same `Answer`."""
