"""The SDK's server over our catalogue; every refusal becomes an answer that a model can use."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from apps.core.errors import DomainError
from apps.mcp import advice, prompts, resources, tools
from apps.mcp.caller import Caller
from apps.mcp.catalogue import TOOLS, Data, find
from apps.mcp.texts import INSTRUCTIONS, as_text, refusal_text

log = logging.getLogger(__name__)
Context = ServerRequestContext[Any, Any]
# The lists are the same for everybody until the server is replaced.
ALIKE_FOR_ALL = CacheHint(ttl_ms=3_600_000, scope="public")
LISTS: tuple[CacheableMethod, ...] = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
)


@cache
def catalogue() -> types.ListToolsResult:
    """Every tool with its schemas; they must be loaded."""
    return types.ListToolsResult(
        tools=[
            types.Tool(
                name=tool.name,
                description=tool.description,
                input_schema=tool.input,
                output_schema=tool.output,
                annotations=types.ToolAnnotations(read_only_hint=True) if tool.reads_only else None,
            )
            for tool in TOOLS.values()
        ]
    )


async def list_tools(ctx: Context, params: Any) -> types.ListToolsResult:
    """Answer `tools/list`."""
    return catalogue()


async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    """Answer `tools/call`: the result as data and as text, or the refusal with code and hint."""
    try:
        answer = await find(params.name).call(caller(ctx), params.arguments or {})
    except DomainError as error:
        error.hint = advice.refused(error)
        return result(error.as_dict(), refusal_text(error), is_error=True)
    except Exception:  # a mistake of ours: the SDK would show its text to the model
        log.exception("The tool %s failed.", params.name)
        return result(BROKEN.as_dict(), refusal_text(BROKEN), is_error=True)
    return result(answer, as_text(answer))


BROKEN = DomainError(
    "The server failed at this; nothing was changed.",
    code="internal_error",
    hint="Try once more; if it fails again, go on with something else and tell a person.",
)


def result(data: Data, text: str, *, is_error: bool = False) -> types.CallToolResult:
    """A tool's answer."""
    content: list[Any] = [types.TextContent(type="text", text=text)]
    return types.CallToolResult(content=content, structured_content=data, is_error=is_error)


def caller(ctx: Context) -> Caller:
    """Whose request it is; the door put it there."""
    request: Any = ctx.request
    found: Caller = request.scope["caller"]
    return found


async def list_resources(ctx: Context, params: Any) -> types.ListResourcesResult:
    """Answer `resources/list`."""
    return types.ListResourcesResult(resources=resources.fixed())


async def list_templates(ctx: Context, params: Any) -> types.ListResourceTemplatesResult:
    """Answer `resources/templates/list`."""
    return types.ListResourceTemplatesResult(resource_templates=resources.templates())


async def read_resource(
    ctx: Context, params: types.ReadResourceRequestParams
) -> types.ReadResourceResult:
    """Answer `resources/read`."""
    uri = str(params.uri)
    try:
        text = await resources.read(caller(ctx), uri)
    except DomainError as error:
        raise MCPError(types.INVALID_PARAMS, refusal_text(error), {"uri": uri}) from None
    content: list[Any] = [
        types.TextResourceContents(uri=params.uri, mime_type="application/json", text=text)
    ]
    return types.ReadResourceResult(contents=content)


async def list_prompts(ctx: Context, params: Any) -> types.ListPromptsResult:
    """Answer `prompts/list`."""
    return types.ListPromptsResult(prompts=prompts.listed())


async def get_prompt(ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    """Answer `prompts/get`."""
    try:
        return await prompts.get(caller(ctx), params.name, params.arguments or {})
    except DomainError as error:
        raise MCPError(types.INVALID_PARAMS, refusal_text(error)) from None


def new_manager() -> StreamableHTTPSessionManager:
    """A manager for both generations of the protocol, that keeps nothing between requests.

    The door has checked host, origin and size already.
    """
    tools.load()
    server: Server[Any] = Server(
        "agent-teams",
        title="Agent Teams",
        instructions=INSTRUCTIONS,
        cache_hints=dict.fromkeys(LISTS, ALIKE_FOR_ALL),
        get_tool_input_schema=lambda name: TOOLS[name].input if name in TOOLS else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )
    server.middleware.clear()  # tracing of the SDK's own, which nothing here collects
    return StreamableHTTPSessionManager(server, json_response=True, stateless=True)
