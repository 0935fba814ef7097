"""Puts the waiting ladder together, rung by rung."""

from gateway.calls.aftermath import Aftermath
from gateway.calls.call_ids import CallIds
from gateway.calls.continuations import Continuations
from gateway.calls.dispatching import Dispatcher
from gateway.calls.gate import Gate
from gateway.calls.patience import Patience
from gateway.calls.reporting import Reporter
from gateway.calls.rounds import Rounds
from gateway.calls.tool_calls import ToolCalls
from gateway.calls.waiting import WaitingRoom
from gateway.ladder.ladder import Ladder
from gateway.ladder.sending import Sending
from gateway.sealing import Sealer
from gateway.tasks.sealed_tasks import SealedTasks
from gateway.tasks.task_desk import TaskDesk
from gateway.tasks.task_owners import TaskOwners
from gateway.tasks.task_requests import TaskRequests
from gateway.tasks.task_results import TaskResults
from gateway.tasks.task_runs import TaskRuns
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
