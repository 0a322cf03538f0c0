"""The template: what stands on a page, put into its frame. The page needs nothing but itself."""

from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader
from markupsafe import Markup

from pipelines.corpus.spelling import spelled
from pipelines.output.page import said

LENGTH = 160  # of a text that is cut, in characters


def filled(name: str, **values: Any) -> str:
    """Return a page: its template, with the values that it asks for and the style of all pages."""
    return _environment().get_template(name).render(style=own("style.css"), **values)


def own(name: str) -> Markup:
    """Return a file of this package, to stand on the page as it is."""
    return Markup(_file(name))  # noqa: S704  it is this package's own


def picture(name: str, *data: Any, about: str) -> Markup:
    """Return one of the pictures; its words have been escaped where it was drawn."""
    from pipelines.output.page import pictures  # noqa: PLC0415  matplotlib takes a second to import

    return Markup(getattr(pictures, name)(*data, about))  # noqa: S704


def _environment() -> Environment:
    # What a run has not written down yet is as good as empty.
    environment = Environment(
        loader=FunctionLoader(_file), autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(seconds=said.seconds, number=said.number, cut=lambda text: said.cut(text or "", LENGTH))
    environment.globals.update(share=said.share, many=said.many)
    return environment


def _shown(value: Any) -> Any:
    """Return a value as it is put into the page: what a text would do to the page's own is spelled out."""
    return spelled(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
