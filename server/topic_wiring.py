"""Makes the service of topics, with what carries their messages out of the server."""

from cumulo.core.clocks import Clock
from cumulo.core.ids import Randomness
from cumulo.core.ports import JobSubmitter
from cumulo.core.settings import Settings
from cumulo.core.tokens import TokenSealer
from cumulo.gateway.outgoing_addresses import PrivateAddresses
from cumulo.gateway.outgoing_http import OutgoingHttp
from cumulo.gateway.outgoing_mail import MailServer, OutgoingMail
from cumulo.identity.authorizer import Authorizer
from cumulo.queue_service.endpoint_delivery import Carrier
from cumulo.queue_service.http_carrier import HttpCarrier
from cumulo.queue_service.mail_carrier import MailCarrier, SmsCarrier
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.outgoing_folder import OutgoingFolder
from cumulo.queue_service.sealing import MessageSeals
from cumulo.queue_service.topic_envelopes import Signer
from cumulo.queue_service.topic_service import TopicService
from cumulo.server.listening import is_loopback
from cumulo.storage.data_folder import DataFolder
from cumulo.storage.engine import Engine


def make_topics(
    settings: Settings,
    folder: DataFolder,
    engine: Engine,
    authorizer: Authorizer,
    clock: Clock,
    randomness: Randomness,
    sealer: TokenSealer,
    seals: MessageSeals,
    signer: Signer,
    mail: MailServer | None,
    jobs: JobSubmitter,
    notice_seals: NoticeSeals,
) -> TopicService:
    """Return the service, on the settings and the folder of a server; `mail` is where it hands e-mail in, `jobs` what
    makes jobs of messages, `notice_seals` seal for topics under keys.
    """
    http = HttpCarrier(OutgoingHttp(private_addresses(settings)))
    record = OutgoingFolder(folder.outgoing, clock)
    post = MailCarrier(record, None if mail is None else OutgoingMail(mail))
    carriers: dict[str, Carrier] = {
        "http": http,
        "https": http,
        "email": post,
        "email-json": post,
        "sms": SmsCarrier(record),
    }
    return TopicService(engine, authorizer, clock, randomness, sealer, seals, signer, carriers, jobs, notice_seals)


def private_addresses(settings: Settings) -> PrivateAddresses:
    """Return which private addresses the server posts to."""
    if settings["sns_http_private_addresses"] != "auto":
        return PrivateAddresses(settings["sns_http_private_addresses"])
    return PrivateAddresses.LOOPBACK if is_loopback(settings["host"]) else PrivateAddresses.DENY
