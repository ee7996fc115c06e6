"""The desk's routes for one conversation: claim, speak, note, tag, pass on, hand back, close. See also desk_floor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Container
from app.api.desk_view import conversation_json, event_json
from app.api.desk_wire import AgentSaysBody, AssignBody, NoteBody, OutcomeBody, TagsBody, TransferBody
from app.api.staff import require_staff
from app.api.wire import json_response, read, schema
from app.conversation.board import Person
from app.conversation.desk import Desk
from app.errors import Forbidden, NotFound
from app.staff.account import Account, Caller, Role

router = APIRouter(prefix="/v1/desk/conversations", tags=["desk"])
STAFF = (Role.AGENT, Role.SUPERVISOR)
PROGRAM = "api-key"


def person_of(caller: Caller) -> Person:
    """The caller as somebody at the desk."""
    account: Account | None = caller.account
    if account is None:
        return Person(PROGRAM, caller.name, "", "supervisor", capacity=1_000)
    return Person(account.account_id, account.name, account.shop, account.role.value)


def desk_of(request: Request) -> Desk:
    """The desk. Raises NotFound where the server has none."""
    container: Container = request.app.state.container
    if container.desk is None:
        raise NotFound("There is no desk here.")
    return container.desk


async def at_desk(request: Request, conversation_id: str, *roles: Role) -> tuple[Desk, Person]:
    """The desk and the caller, once they may see the conversation: one of another shop is not there."""
    caller = await require_staff(request, *(roles or STAFF))
    desk = desk_of(request)
    conversation = await desk.conversations.look(conversation_id)
    if caller.account and not caller.account.works_for(conversation.shop):
        raise NotFound("There is no such conversation. Start a new one.")
    return desk, person_of(caller)


@router.get("/{conversation_id}")
async def show(request: Request, conversation_id: str) -> Response:
    """The conversation with all that stands beside it: brief, shopper, orders, history, every event."""
    desk, _ = await at_desk(request, conversation_id)
    container: Container = request.app.state.container
    case, others = await desk.board.case(conversation_id), await desk.board.of_same_shopper(conversation_id)
    language = request.query_params.get("lang", "zh")
    return json_response(await conversation_json(container, conversation_id, case, others, language))


@router.get("/{conversation_id}/events")
async def events(request: Request, conversation_id: str) -> Response:
    """What happened after `?after=`."""
    desk, _ = await at_desk(request, conversation_id)
    given = request.query_params.get("after", "0")
    after = int(given) if given.isdigit() and len(given) < 12 else 0
    conversation = await desk.conversations.look(conversation_id)
    told = [event_json(event) for event in await desk.conversations.events(conversation_id, after)]
    return json_response({"events": told, "status": conversation.status.value, "agent": conversation.standing.agent})


Act = Callable[[Desk, Person], Awaitable[None]]


async def _done(request: Request, conversation_id: str, act: Act, *roles: Role) -> Response:
    """Do it and say where the conversation stands."""
    desk, person = await at_desk(request, conversation_id, *roles)
    await act(desk, person)
    conversation = await desk.conversations.look(conversation_id)
    told = {"status": conversation.status.value, "agent": conversation.standing.agent, "seq": conversation.seq}
    return json_response(told)


@router.post("/{conversation_id}/claim")
async def claim(request: Request, conversation_id: str) -> Response:
    """Take it. Of several who reach for it one gets it, the others 409."""
    return await _done(request, conversation_id, lambda desk, person: desk.claim(conversation_id, person))


@router.post("/{conversation_id}/take-over")
async def take_over(request: Request, conversation_id: str) -> Response:
    """A supervisor takes it from whoever has it."""
    act: Act = lambda desk, person: desk.take_over(conversation_id, person)  # noqa: E731
    return await _done(request, conversation_id, act, Role.SUPERVISOR)


@router.post("/{conversation_id}/assign", openapi_extra=schema(AssignBody))
async def assign(request: Request, conversation_id: str) -> Response:
    """A supervisor gives it to somebody at the desk; anybody may give it to themselves."""
    body = await read(request, AssignBody)

    async def act(desk: Desk, person: Person) -> None:
        if body.agent == person.agent:
            await desk.claim(conversation_id, person)
            return
        if person.role == Role.AGENT.value:
            raise Forbidden("Only a supervisor gives conversations to others. Nothing was changed; transfer your own.")
        await desk.assign(conversation_id, body.agent, person)

    return await _done(request, conversation_id, act)


@router.post("/{conversation_id}/transfer", openapi_extra=schema(TransferBody))
async def transfer(request: Request, conversation_id: str) -> Response:
    """Pass one's own on: to a colleague, to a skill, or back into the queue."""
    body = await read(request, TransferBody)

    async def act(desk: Desk, person: Person) -> None:
        await desk.transfer(conversation_id, person, body.agent, body.skill, body.note)

    return await _done(request, conversation_id, act)


@router.post("/{conversation_id}/messages", status_code=201, openapi_extra=schema(AgentSaysBody))
async def say(request: Request, conversation_id: str) -> Response:
    """Say something to the shopper. The same client_message_id twice is said once."""
    desk, person = await at_desk(request, conversation_id)
    body = await read(request, AgentSaysBody)
    message_id = await desk.say(conversation_id, person, body.text, body.client_message_id, body.draft)
    return json_response({"message_id": message_id}, 201)


@router.post("/{conversation_id}/typing")
async def typing(request: Request, conversation_id: str) -> Response:
    """Let the shopper see that one types."""
    desk, person = await at_desk(request, conversation_id)
    await desk.typing(conversation_id, person)
    return Response(status_code=204)


@router.post("/{conversation_id}/notes", openapi_extra=schema(NoteBody))
async def note(request: Request, conversation_id: str) -> Response:
    """Something for colleagues; the shopper never sees it."""
    body = await read(request, NoteBody)
    return await _done(request, conversation_id, lambda desk, person: desk.note(conversation_id, person, body.text))


@router.post("/{conversation_id}/tags", openapi_extra=schema(TagsBody))
async def tags(request: Request, conversation_id: str) -> Response:
    """These tags, instead of those it has."""
    body = await read(request, TagsBody)
    return await _done(request, conversation_id, lambda desk, person: desk.tag(conversation_id, person, body.tags))


@router.post("/{conversation_id}/hand-back")
async def hand_back(request: Request, conversation_id: str) -> Response:
    """Back to the bot: one's own, or one out of the queue."""
    return await _done(request, conversation_id, lambda desk, person: desk.hand_back(conversation_id, person))


@router.post("/{conversation_id}/close", openapi_extra=schema(OutcomeBody))
async def close(request: Request, conversation_id: str) -> Response:
    """End it, with what came of it."""
    body = await read(request, OutcomeBody)
    return await _done(request, conversation_id, lambda desk, person: desk.close(conversation_id, person, body.outcome))


@router.post("/{conversation_id}/draft", status_code=202)
async def draft(request: Request, conversation_id: str) -> Response:
    """Draft again. It comes as an event, and is never sent by itself."""
    desk, _ = await at_desk(request, conversation_id)
    await desk.redraft(conversation_id)
    return json_response({"drafting": True}, 202)
