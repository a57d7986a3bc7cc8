"""What is published below a municipality that nobody has registered: nobody's lane, and still not lost.

Only for brokers that let everybody publish everywhere, such as the demo's: where devices have rights, the broker
refuses such a message. Off by default, because it makes the broker deliver every message twice.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from gateway import codecs
from gateway.mqtt import Delivery, Session, SessionOptions
from gateway.options import MqttOptions
from gateway.tally import Tally
from gateway.topics import ANY_MUNICIPALITY
from services.ingest.models import Refused
from services.ingest.registry import LaneRegistry
from services.log.lanes import lanes_for, registered_codes
from services.log.store import Batch, store
from services.runtime.clock import Clock
from services.storage.database import Database


class Strays:
    """Turns messages of unregistered municipalities into dead letters, until cancelled."""

    def __init__(self, database: Database, options: MqttOptions, *, clock: Clock) -> None:
        self._database = database
        self._options = options
        self._clock = clock
        self._registry = LaneRegistry()

    async def run(self) -> None:
        """Listen to everything and keep what is nobody's; an error ends it, and its supervisor begins again."""
        options = self._options
        session = Session(
            SessionOptions(
                host=options.host,
                port=options.port,
                client_id=f"{options.client_prefix}strays",
                username=options.username.format(lane="strays") if options.username else None,
                password=options.secret(),
                tls_ca=options.tls_ca,
                protocol=options.protocol,
                subscriptions=(ANY_MUNICIPALITY,),
                durable=False,
                window=options.window,
            ),
            clock=self._clock,
        )
        registered: Collection[str] = ()
        async with session:
            while True:
                deliveries = await session.batch(limit=100, linger_s=self._options.linger_ms / 1000)
                strays = [delivery for delivery in deliveries if _municipality(delivery) not in registered]
                if strays:
                    registered = await registered_codes(self._database)
                    await self._keep([stray for stray in strays if _municipality(stray) not in registered])
                session.acknowledge(deliveries)

    async def _keep(self, strays: Sequence[Delivery]) -> None:
        refused: dict[str, list[Refused]] = defaultdict(list)
        names = [name for stray in strays if (name := codecs.identity(stray.topic)) is not None]
        await self._registry.look_up(self._database, 0, names)
        for stray in strays:
            verdicts = codecs.judge(
                stray.topic, stray.payload, stray.received_at, retain=stray.retain, registry=self._registry
            )
            refused[_municipality(stray)] += [verdict for verdict in verdicts if isinstance(verdict, Refused)]
        tally = Tally()
        tally.received(sum(map(len, refused.values())))
        try:
            await self._store(refused, tally)
        finally:
            tally.close()

    async def _store(self, refused: Mapping[str, Sequence[Refused]], tally: Tally) -> None:
        lanes = await lanes_for(self._database, list(refused))
        for code, refusals in refused.items():
            await store(self._database, lanes[code], Batch(refused=refusals))
            tally.settled(len(refusals))


def _municipality(delivery: Delivery) -> str:
    return delivery.topic.split("/")[2]
