"""A conversation: messages with their roles, which a model's chat template makes one text of."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from saliency_report.spec.values import Text, did_you_mean, kind_of, listed

Role = Literal["system", "developer", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = get_args(Role)
KEYS = ["role", "content", "thinking"]


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    role: Role = Field(description="Who speaks.")
    content: Text = Field(description="What is said.")
    thinking: Text | None = Field(
        None, description="What the assistant thought before it said that, where the chat template writes it."
    )


def _message(value: object) -> object:
    """Refuse what has not the keys of a message."""
    if not isinstance(value, dict):
        raise PydanticCustomError("not_message", "must be a mapping of role and content, not {kind}", _kind(value))
    role = value.get("role")
    if isinstance(role, str) and role not in ROLES:
        known = {"known": listed(ROLES), "kind": kind_of(role), "hint": did_you_mean(role, [*ROLES])}
        raise PydanticCustomError("not_role", "role must be one of {known}, not {kind}{hint}", known)
    missing = [key for key in ("role", "content") if key not in value]
    unknown = [key for key in value if key not in KEYS]
    if missing or unknown:
        has = listed(value) or "nothing"
        raise PydanticCustomError(
            "not_message", "must have role and content, and may have thinking; it has {has}", {"has": has}
        )
    return value


def _kind(value: object) -> dict[str, Any]:
    return {"kind": kind_of(value)}


Messages = Annotated[list[Annotated[Message, BeforeValidator(_message)]], Field(min_length=1, max_length=1000)]
