"""Registering operations: each named after its function, described by its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from ninja import Router

F = TypeVar("F", bound=Callable[..., Any])


class Section:
    """The operations of one subject. What they answer is declared, and built by hand for speed."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.router = Router(tags=[tag])

    def get(self, path: str, answer: Any, **more: Any) -> Callable[[F], F]:
        """A read."""
        return self._add("GET", path, answer, 200, more)

    def post(self, path: str, answer: Any, *, status: int = 200, **more: Any) -> Callable[[F], F]:
        """A write that makes something or moves it on."""
        return self._add("POST", path, answer, status, more)

    def patch(self, path: str, answer: Any) -> Callable[[F], F]:
        """A write that changes what is given."""
        return self._add("PATCH", path, answer, 200, {})

    def put(self, path: str, answer: Any) -> Callable[[F], F]:
        """A write that makes it so."""
        return self._add("PUT", path, answer, 200, {})

    def delete(self, path: str, answer: Any) -> Callable[[F], F]:
        """A write that ends something."""
        return self._add("DELETE", path, answer, 200, {})

    def _add(
        self, method: str, path: str, answer: Any, status: int, more: dict[str, Any]
    ) -> Callable[[F], F]:
        def add(view: F) -> F:
            about = inspect.cleandoc(view.__doc__ or "")
            summary, _, rest = about.partition("\n")
            self.router.add_api_operation(
                path,
                [method],
                view,
                response={status: answer},
                operation_id=view.__name__,
                summary=summary.strip().rstrip("."),
                description=rest.strip() or summary,
                by_alias=True,
                openapi_extra=more or None,
            )
            return view

        return add
