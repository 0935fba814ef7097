"""Puts the waiting ladder together, rung by rung."""

from gateway.aftermath import Aftermath
from gateway.call_ids import CallIds
from gateway.continuations import Continuations
from gateway.dispatching import Dispatcher
from gateway.gate import Gate
from gateway.ladder import Ladder
from gateway.patience import Patience
from gateway.reporting import Reporter
from gateway.rounds import Rounds
from gateway.sealed_tasks import SealedTasks
from gateway.sealing import Sealer
from gateway.sending import Sending
from gateway.task_desk import TaskDesk
from gateway.task_owners import TaskOwners
from gateway.task_requests import TaskRequests
from gateway.task_results import TaskResults
from gateway.task_runs import TaskRuns
from gateway.tool_calls import ToolCalls
from gateway.waiting import WaitingRoom
from gateway.world import World


class Rungs:
    """What answers calls, and what answers for the tasks that some of them become.

    `ids` makes the ids of all these calls, `calls` takes each through the gate.
    """

    def __init__(
        self,
        world: World,
        gate: Gate,
        room: WaitingRoom,
        aftermath: Aftermath,
        reporter: Reporter,
        dispatcher: Dispatcher,
        patience: Patience,
    ) -> None:
        """Put it together."""
        ledger, now, reach = world.ledger, world.now, world.reach
        sealer = Sealer(world.keys)
        seals = SealedTasks(sealer)
        continuations = Continuations(sealer, now)
        rounds = Rounds(ledger, gate, continuations, reporter)
        directory = world.configuration.directory()
        calls = ToolCalls(ledger, gate, room, aftermath, reporter, now, patience, directory)
        self.calls = calls
        self.ids = CallIds(now)
        owners = TaskOwners(ledger, now)
        self._results = TaskResults(ledger, seals, now)
        self.runs = TaskRuns(ledger, gate, dispatcher, seals, self._results, self.ids, now)
        desk = TaskDesk(ledger, self.runs, self._results, seals, aftermath, now, reach)
        self.tasks = TaskRequests(desk, owners)
        sending = Sending(dispatcher, continuations, owners)
        self.ladder = Ladder(calls, rounds, sending, desk, patience, world.pace, reach, now)

    async def close(self) -> None:
        """Let go of the calls of tasks that still run, and save nothing more of them."""
        await self.runs.close()
        await self._results.close()
