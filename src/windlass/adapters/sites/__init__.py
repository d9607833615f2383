"""The control plane's side of its sites."""

from windlass.adapters.sites.mailbox import MailboxSites

__all__ = ["MailboxSites"]
