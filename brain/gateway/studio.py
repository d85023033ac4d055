"""Prompts, agents, plans, golden sets and preferences of one platform, put together."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from brain.decisions.evaluation import Gate, GateDecision
from brain.evaluation.asking import Candidate
from brain.evaluation.desk import Evaluation
from brain.gateway.agents import Agents
from brain.gateway.conductor import Conductor
from brain.gateway.personalization import Personalization
from brain.gateway.preparing import Prepared, prepare
from brain.gateway.prompts import Prompts

if TYPE_CHECKING:
    from brain.engine import Engine


class Studio:
    """Where what is asked, by whom and how well, is made, tried and kept."""

    def __init__(self, engine: "Engine", whoami: Callable[[], str]) -> None:
        self._engine: Any = engine
        state, clock = engine.state, engine.clock
        settings = engine.settings.evaluation
        self.prompts = Prompts(state, engine.experiments, self._check_gate, clock, whoami)
        self.agents = Agents(state, self.prompts, clock, whoami)
        self.evaluation = Evaluation(
            state, self.ask, lambda: self.prompts, settings.parallel, settings.workspace,
            Candidate(settings.judge_provider, settings.judge_model), clock, whoami)
        self.conductor = Conductor(state, self.ask, self._search, clock, whoami)
        self.personalization = Personalization(state, engine.query, engine.privacy, clock, whoami)

    def ask(self, *, text: str, system: str = "", **fields: Any) -> Any:
        """The gateway's answer to a text, with what the model is told before it.

        Raises TypeError for a field that no question has.
        """
        from brain.gateway.question import Message, Question
        told = (Message("system", system),) if system else ()
        return self._engine.gateway.ask(Question(
            messages=(*told, Message("user", text)), **fields))

    def prepare(self, question: Any) -> Prepared:
        """The question as its agent, its prompt and its user's preference want it put."""
        return prepare(question, self.agents, self.prompts, self.personalization)

    def is_ready(self, question: Any) -> bool:
        """Whether `prepare` takes no longer than a look into memory."""
        use = self.agents.ready(question.agent_id)
        return use is not None and not (use.agent and use.agent.prompt) and (
            not question.user_id
            or self.personalization.is_ready(question.workspace_id, question.user_id))

    def learn(self, request_id: str, workspace_id: str, user_id: str, stars: int,
              comment: str) -> None:
        """Note what a verdict on an answer says about how its user likes answers."""
        if user_id:
            found = self._engine.gateway.request(request_id, (workspace_id,))
            self.personalization.note_feedback(
                workspace_id, user_id, stars, comment,
                int(found["output_tokens"]) if found else None)

    def close(self) -> None:
        """End what runs in the background."""
        self.evaluation.close()

    def _check_gate(self, prompt: str, version: int, in_force: int, gate: Gate) -> GateDecision:
        return self.evaluation.check_gate(prompt, version, in_force, gate)

    def _search(self, workspace_id: str, query: str, limit: int) -> Any:
        return self._engine.knowledge.search(workspace_id, query, limit)
