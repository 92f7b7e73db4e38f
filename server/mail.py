"""The mail server that the settings name, and the settings that contradict each other."""

from typing import TYPE_CHECKING

from cumulo.core.lazy import LazyModule
from cumulo.core.settings import InvalidSetting, Settings

if TYPE_CHECKING:
    from cumulo.gateway import outgoing_mail
else:
    outgoing_mail = LazyModule("cumulo.gateway.outgoing_mail")


def mail_server(settings: Settings) -> "outgoing_mail.MailServer | None":
    """Return where e-mail of topics is handed in, None where no server is set. Raises `InvalidSetting`."""
    if not settings["smtp_host"]:
        return None
    if not settings["smtp_from"]:
        raise InvalidSetting("smtp_host needs smtp_from, the address that e-mail is from")
    if bool(settings["smtp_user"]) != bool(settings["smtp_password_file"]):
        raise InvalidSetting("smtp_user and smtp_password_file belong together; one of them is missing")
    if settings["smtp_user"] and settings["smtp_tls"] == "none":
        raise InvalidSetting("smtp_tls none would send the password in the clear; starttls and tls do not")
    return outgoing_mail.MailServer(
        host=settings["smtp_host"],
        port=settings["smtp_port"],
        tls=settings["smtp_tls"],
        user=settings["smtp_user"],
        password_file=settings["smtp_password_file"],
        sender=settings["smtp_from"],
    )
