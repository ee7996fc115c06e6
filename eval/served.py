"""The running server as a solver: what a suite measures is the very process that shoppers talk to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from app.running import RunningServer
from app.shop.brand import Brand
from eval.harness import Sample, SeenPassage, SolvedSample
from eval.read_suite import moment


class ServedSolver:
    """Asks one shop of the server that owns its index. Raises Answered with the server's own problem."""

    def __init__(self, server: RunningServer, shop: str, brand: Brand) -> None:
        self._server = server
        self._shop = shop
        self._brand = brand

    async def record(self, sample: Sample) -> dict[str, Any]:
        """One line of the replay format."""
        return {"id": sample.id, **(await self._told(sample))["reply"]}

    async def solve(self, sample: Sample) -> SolvedSample:
        """The reply, the passages it rests on, and the draft that confidence may have held back."""
        told = await self._told(sample)
        passages = tuple(SeenPassage(**passage) for passage in told["passages"])
        return SolvedSample({"id": sample.id, **told["reply"]}, passages, told["draft"], told.get("grounds", {}))

    async def _told(self, sample: Sample) -> dict[str, Any]:
        known = sample.identity
        body = {
            "shop": self._shop,
            "text": sample.question,
            "said": [{"role": m.role, "text": m.text, "decision": m.decision} for m in sample.history],
            "as_of": moment(sample.as_of, self._brand.timezone, datetime.now(UTC)).isoformat(),
            "identity": {
                "order_id": known.order_id,
                "phone_last4": known.phone_last4,
                "customer_id": known.customer_id,
            },
        }
        told: dict[str, Any] = await asyncio.to_thread(self._server.post, "/v1/knowledge/replay", body)
        return told
