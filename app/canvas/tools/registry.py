"""The canvas tools there are, built-in ones and plug-ins."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from app.canvas.tools import draw, select
from app.canvas.tools.spec import ToolSpec
from app.canvas.tools.tool import Tool
from detcore.errors import ConfigError
from detcore.plugins import plugins

GROUP = "reticle.tools"
"""The entry points that name tools."""

_log = logging.getLogger(__name__)


@cache
def all_tools() -> Mapping[str, ToolSpec]:
    """The tools by id, built-in ones first. A plug-in that cannot be loaded, or whose id is taken, is logged and
    left out."""
    found: dict[str, ToolSpec] = {}
    for spec in (select.SPEC, draw.SPEC, *plugins(GROUP, ToolSpec)):
        if spec.id in found:
            _log.warning("a plug-in is left out: there is a tool %r already", spec.id)
        else:
            found[spec.id] = spec
    return MappingProxyType(found)


def make_tool(tool_id: str) -> Tool:
    """A tool that can be used.

    Raises:
        ConfigError: there is none of that id, or its code does not work.
    """
    spec = all_tools().get(tool_id)
    if spec is None:
        raise ConfigError(f"there is no tool {tool_id!r}", hint=f"Choose from {', '.join(all_tools())}")
    module, _, name = spec.build.partition(":")
    try:
        tool = getattr(import_module(module), name)()
    except Exception as error:
        raise ConfigError(f"{spec.build} does not work ({error!r})", hint="Mend the plug-in") from error
    if not isinstance(tool, Tool):
        raise ConfigError(f"{spec.build} gives no Tool", hint="Mend the plug-in")
    return tool
