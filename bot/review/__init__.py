"""What staff do: accounts and sessions, reading feedback and the audit log. No web framework here;
the pages are in `bot.web`, the commands in `bot.cli_staff`."""
