"""One call of a language model by litellm: its text and the tokens it took, or why there is none."""

from __future__ import annotations

import gc
import os
import threading
from dataclasses import dataclass
from typing import Any

from warehouse.errors import MillraceError
from warehouse.settings import Settings

# Before it is imported: no list of prices or headers from the internet, and no .env of the folder that we are in.
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
NO_KEY = "none"  # for servers of one's own that ask for none, where the client wants one


class ModelFailed(MillraceError):
    """The model gave no reply: refused, or nothing answers. `tokens`: what it took all the same; None: nobody knows,
    and as many as were reserved for it count."""

    def __init__(self, message: str, hint: str = "", tokens: int | None = 0, dollars: float = 0.0) -> None:
        super().__init__(message, hint)
        self.tokens, self.dollars = tokens, dollars


@dataclass(frozen=True)
class Tool:
    """What a model has to call, once: its arguments are the reply."""

    name: str
    description: str
    parameters: dict[str, Any]  # a JSON schema

    def asked_for(self) -> dict[str, Any]:
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        called = {"type": "function", "function": {"name": self.name}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": called}

    def as_format(self) -> dict[str, Any]:
        """The same of the text of a reply, for models that call no tools."""
        schema = {"name": self.name, "schema": self.parameters}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}


@dataclass(frozen=True)
class Reply:
    text: str  # the arguments of the call, or what a model that calls no tools wrote
    tokens: int | None  # None: the server does not say
    cut: bool = False  # at the limit of tokens
    dollars: float = 0.0
    problem: str = ""  # of how the tool was called, for the model to mend


def complete(settings: Settings, messages: list[dict[str, str]], tool: Tool) -> Reply:
    litellm = load()
    if settings.llm_dollars_per_day:
        _check_price(litellm, settings)
    key = settings.llm_key.get_secret_value() or (NO_KEY if settings.llm_url else None)
    outcome: list[Any] = []

    def ask(how: dict[str, Any]) -> Any:
        return litellm.completion(
            model=settings.llm_model,
            messages=messages,
            api_base=settings.llm_url or None,
            api_key=key,
            timeout=settings.llm_timeout,
            max_tokens=settings.llm_max_tokens,
            temperature=0,
            **how,
            drop_params=True,  # a provider that has neither is told by the prompt
            num_retries=0,
            max_retries=0,
        )

    def call() -> None:
        try:
            try:
                outcome.append(ask(tool.asked_for()))
            except litellm.BadRequestError:  # small models of one's own often call no tools, and their servers say so
                outcome.append(ask(tool.as_format()))
        except Exception as error:  # noqa: BLE001 - carried over to the thread that waits
            outcome.append(error)

    # The timeout of a client is that of each read: a server that sends a byte now and then would never be late.
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(settings.llm_timeout + 1)
    if not outcome:
        raise _late(settings)
    (result,) = outcome
    if isinstance(result, Exception):
        raise _failure(litellm, settings, result) from result
    return _reply(settings, tool, result, _dollars(litellm, settings, result))


def load() -> Any:
    """litellm, which takes seconds to import; where nothing needs it, nobody waits for it. A fifth of it is search for
    garbage, which there is none."""
    os.environ.update(QUIET)
    collects = gc.isenabled()
    gc.disable()
    try:
        import litellm
    finally:
        if collects:
            gc.enable()
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    return litellm


def _dollars(litellm: Any, settings: Settings, response: Any) -> float:
    """By the prices that litellm brings with it. Of a model without one nothing is known, which only matters where
    dollars are limited."""
    try:
        return float(litellm.completion_cost(response, model=settings.llm_model))
    except Exception:  # noqa: BLE001 - litellm raises a plain one for a model that it has no price of
        return 0.0


def _check_price(litellm: Any, settings: Settings) -> None:
    try:
        litellm.cost_per_token(model=settings.llm_model, prompt_tokens=1, completion_tokens=1)
    except Exception as error:
        raise ModelFailed(
            f"No price of the language model {settings.llm_model} is known, so its dollars cannot be limited.",
            hint="Unset MILLRACE_LLM_DOLLARS_PER_DAY: MILLRACE_LLM_TOKENS_PER_DAY limits it as well.",
        ) from error


def _reply(settings: Settings, tool: Tool, response: Any, dollars: float) -> Reply:
    choice = response.choices[0] if getattr(response, "choices", None) else None
    calls = getattr(choice.message, "tool_calls", None) or [] if choice else []
    text = calls[0].function.arguments if calls else choice.message.content if choice else None
    tokens = getattr(getattr(response, "usage", None), "total_tokens", None)
    # Where a server does not count, litellm says 0.
    counted = tokens if isinstance(tokens, int) and tokens > 0 else None
    problem = _called_wrongly(tool, [str(call.function.name) for call in calls])
    if choice is None or not isinstance(text, str) or not (text.strip() or problem):
        # A model that thinks may have spent all its tokens on that.
        raise ModelFailed(f"The language model {settings.llm_model} replied without a text.", "", counted, dollars)
    return Reply(text, counted, choice.finish_reason == "length", dollars, problem)


def _called_wrongly(tool: Tool, names: list[str]) -> str:
    if other := next((name for name in names if name != tool.name), None):
        return f"There is no tool {other[:60]!r}: call {tool.name}, once."
    return f"{tool.name} was called {len(names)} times: call it once." if len(names) > 1 else ""


def _late(settings: Settings) -> ModelFailed:
    return ModelFailed(
        f"The language model {settings.llm_model} did not reply within {settings.llm_timeout:g} s.",
        hint="MILLRACE_LLM_TIMEOUT says how long it may take.",
        tokens=None,  # it may still be at work
    )


def _failure(litellm: Any, settings: Settings, error: Exception) -> ModelFailed:
    model = f"The language model {settings.llm_model}"
    if isinstance(error, litellm.Timeout):
        return _late(settings)
    if isinstance(error, litellm.AuthenticationError | litellm.PermissionDeniedError):
        return ModelFailed(f"{model} refuses the key.", hint="Check MILLRACE_LLM_KEY.")
    if isinstance(error, litellm.NotFoundError):
        return ModelFailed(f"{model} is not known there.", hint="Check MILLRACE_LLM_MODEL and MILLRACE_LLM_URL.")
    if isinstance(error, litellm.RateLimitError):
        return ModelFailed(f"{model} takes no more requests for now.")
    # A connection that was refused is an internal error to litellm.
    if isinstance(error, litellm.APIConnectionError) or "connection error" in str(error).lower():
        return ModelFailed(f"{model} cannot be reached.", hint="Check MILLRACE_LLM_URL.")
    if isinstance(error, litellm.BadRequestError):
        return ModelFailed(f"{model} refuses the request.", hint="Check MILLRACE_LLM_MODEL and MILLRACE_LLM_URL.")
    status = getattr(error, "status_code", None)
    return ModelFailed(f"{model} failed" + (f" with HTTP status {status}." if status else "."))
