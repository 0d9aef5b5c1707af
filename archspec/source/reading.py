"""Text to tree: YAML 1.2 and JSON, with the position of every value and limits on what is read.

PyYAML supplies the grammar. Its own resolver follows YAML 1.1 (`no` is False, `1e-4` is a text, the last of equal keys
wins silently), so scalars are resolved by `resolve_scalar`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from archspec.characters import DASHES, QUOTES, first_alike, is_odd_space, mend, named
from archspec.errors import MAX_PROBLEMS, Problem, Source, Span, SpecError, UnreadableFile, Where, problem_at
from archspec.files import open_regular
from archspec.source.shipped import IN_RUNS, shipped_names
from archspec.source.syntax import WINDOWS_PATH, backslash_problem, checked_json, forbidden, yaml_problem
from archspec.source.tree import Tree, resolve_scalar
from archspec.vocabulary.suggestions import meaning
from archspec.wording import closest, first_few, quoted

MAX_BYTES = 1_000_000
MAX_DEPTH = 60
MAX_VALUES = 30_000
MAX_TEXT = 10_000
MAX_KEY = 200

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_file(path: Path, order: int = 0, is_private: bool = False) -> Tree:
    """The tree of a YAML or (by its suffix) JSON file.

    Args:
        order: the file's place among those that extend each other; mistakes are sorted by it.
        is_private: whether messages show nothing of what stands in it.

    Raises:
        FileError: the file cannot be read, is too large or is no text.
        SpecError: it is not well formed.
    """
    try:
        with open_regular(path, streams=True) as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UnreadableFile(path, "no such file" + _similar_files(path)) from error
    except IsADirectoryError as error:
        runs = sorted(child.parent.name for child in path.glob(f"*/{IN_RUNS}"))
        inside = f"a run in it: {', '.join(first_few(runs, 5))}" if runs else "a .yaml or .json file in it"
        raise UnreadableFile(path, f"is a directory; name {inside}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(path, f"cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        raise UnreadableFile(path, f"is larger than {MAX_BYTES:,} bytes, the limit for a spec")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = "" if is_private else f" (byte {error.start + 1} is 0x{data[error.start]:02x})"
        raise UnreadableFile(path, f"is not UTF-8 text{byte}; a spec is a text file") from None
    return parse(Source(str(path), text, order, is_private=is_private), is_json=path.suffix == ".json")


NEAR = 0.75
"""How alike the name of a file must be to the one asked for, from 0 to 1, to be suggested."""


def _similar_files(path: Path) -> str:
    try:
        names = {p.stem: p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml", ".json")}
    except FileNotFoundError:
        return f"; there is no directory '{path.parent}'"
    except OSError:
        return ""
    if stem := _near(path.stem, names):
        return f"; did you mean '{path.parent / names[stem]}'?"
    if path.name == str(path):
        answer = meaning("kinds", "shipped spec", path.stem, shipped_names())
        if stem := answer.write if answer is not None else _near(path.stem, shipped_names()):
            return f"; did you mean the shipped spec '{stem}'?"
    return ""


def _near(name: str, known: Iterable[str]) -> str | None:
    """The known name that is nearly this one."""
    found = closest(name, known)
    is_near = found is not None and difflib.SequenceMatcher(None, name.lower(), found.lower()).ratio() >= NEAR
    return found if is_near else None


def parse(source: Source, is_json: bool = False, start: int = 0) -> Tree:
    """The tree of a text, or of the part after its first `start` characters.

    All duplicate keys, and characters that only look like YAML's, are reported together; any other fault ends the
    reading at once.

    Raises:
        SpecError: a syntax error, an empty text, a second document, a tag, or a limit passed.
    """
    text = " " * start + source.text[start:]
    problem = forbidden(source)
    if problem:
        raise SpecError([problem])
    if is_json:
        text = checked_json(source, MAX_DEPTH)
    try:
        return _TreeBuilder(source).build(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        raise SpecError([yaml_problem(error, source)]) from None
    except yaml.YAMLError as error:
        raise problem_at(Where(source.name), f"YAML syntax: {error}") from None


class _TreeBuilder:
    """Builds a tree from the events of the parser, with a stack of its own instead of recursion."""

    def __init__(self, source: Source):
        self.source = source
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Tree, int]] = {}  # each with the height of its tree
        self.stack: list[tuple[Tree, str | None]] = []  # the open collections with their anchors
        self.heights: list[int] = []  # the height of each open collection so far
        self.pending: list[str | None] = []  # for each open mapping, the key whose value comes next
        self.root: Tree | None = None
        self.count = 0

    def report(self, problem: Problem) -> None:
        """Records a problem, after which reading continues."""
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise SpecError(self.problems)

    def fail(self, span: Span | None, message: str) -> NoReturn:
        raise SpecError([*self.problems, Problem(Where("", span), message)])

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        if end.line == start.line:
            length = end.column - start.column
        else:
            length = len(self.source.line(start.line).rstrip()) - start.column
        return Span(self.source, start.line, start.column, max(1, length))

    def build(self, events: Iterator[Any]) -> Tree:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
                self.fail(self.span(event), "a second document begins here; a spec is one document")
            elif isinstance(event, yaml.ScalarEvent):
                self.scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self.alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self.open(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.close(event)
        if self.root is None and not self.source.is_file:
            self.fail(Span(self.source, 0, 0, len(self.source.text)), "no value after '='; put a '#' in quotes")
        if self.root is None or (self.source.is_file and self.root.value is None and not self.root.quoted):
            raise problem_at(Where(self.source.name), "is empty; a spec needs at least 'name' and 'model'")
        if self.problems:
            raise SpecError(self.problems)
        return self.root

    def scalar(self, event: Any) -> None:
        span = self.span(event)
        plain = bool(event.implicit[0])
        self.refuse_tag(event.tag, span, default=plain or event.implicit[1])
        if self.takes_key():
            if not event.style:
                self.refuse_alike(event.value, span, first_alike(event.value))
            self.key(event.value, span)
            return
        if not event.style:
            self.refuse_alike(event.value, span, self.misplaced(event.value))
        elif event.style == '"' and any(not char.isprintable() for char in event.value):
            raw = self.source.line(span.line)[span.column : span.column + span.length]
            if WINDOWS_PATH.fullmatch(raw):
                raise SpecError([*self.problems, backslash_problem(span, raw)])
        if len(event.value) > MAX_TEXT:
            self.fail(span, f"a text of {len(event.value):,} characters; the limit is {MAX_TEXT:,}")
        value = resolve_scalar(event.value) if plain and not event.style else event.value
        tree = Tree(value, span, size=1 + len(event.value) // 64, quoted=bool(event.style))
        self.add(tree, 0)
        if event.anchor:
            self.anchors[event.anchor] = tree, 0

    def misplaced(self, text: str) -> int | None:
        """The position of a character that looks like one of YAML's at a place where a text has none: around it, as
        quotes and spaces, or before it, as the `-` of a list, or after a key's colon."""
        if not text or text.isascii():
            return None
        if is_odd_space(text[0]) or (text[0] in DASHES and text[1:2].isspace()):
            return 0
        if is_odd_space(text[-1]):
            return len(text) - 1
        if text[0] in QUOTES and text[-1] in QUOTES and len(text) > 1:
            return 0
        key = re.match(r"\w+:(?=.)", text)
        return key.end() if key and is_odd_space(text[key.end()]) else None

    def refuse_alike(self, text: str, span: Span, position: int | None) -> None:
        if position is not None:
            place = Span(self.source, span.line, span.column + position) if self.source.is_file else span
            self.report(Problem(Where("", place), f"{named(text[position])} stands here; {mend(text[position])}"))

    def refuse_tag(self, tag: str | None, span: Span, default: bool) -> None:
        if tag is not None and tag != "!" and not default:
            shown = quoted(tag.replace("tag:yaml.org,2002:", "!!"))
            self.fail(
                span, f"the tag {shown} is not supported; leave it out: a spec is plain mappings, lists and values"
            )

    def alias(self, event: Any) -> None:
        span = self.span(event)
        if self.takes_key():
            self.fail(span, "an alias cannot be a key")
        if any(anchor == event.anchor for _, anchor in self.stack):
            self.fail(span, f"the alias '*{event.anchor}' stands inside the value that it repeats")
        if event.anchor not in self.anchors:
            self.fail(span, f"no anchor '&{event.anchor}' comes before the alias '*{event.anchor}'")
        tree, height = self.anchors[event.anchor]
        if len(self.stack) + height > MAX_DEPTH:
            self.fail(span, f"is nested deeper than {MAX_DEPTH} levels once aliases are expanded, the limit")
        self.add(tree, height)

    def open(self, event: Any) -> None:
        span = self.span(event)
        self.refuse_tag(event.tag, span, default=event.implicit)
        if self.takes_key():
            self.fail(span, "a key must be a plain word, not a list or mapping")
        if len(self.stack) >= MAX_DEPTH:
            self.fail(span, f"is nested deeper than {MAX_DEPTH} levels, the limit")
        tree = Tree({} if isinstance(event, yaml.MappingStartEvent) else [], span)
        self.stack.append((tree, event.anchor))
        self.heights.append(1)
        self.pending.append(None)

    def close(self, event: Any) -> None:
        tree, anchor = self.stack.pop()
        height = self.heights.pop()
        self.pending.pop()
        end, start = event.end_mark, tree.span
        if start and end.line == start.line and end.column > start.column:  # a flow collection on one line
            tree.span = Span(self.source, start.line, start.column, end.column - start.column)
        if anchor:
            self.anchors[anchor] = tree, height
        self.add(tree, height)

    def takes_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1][0].value, dict) and self.pending[-1] is None

    def key(self, key: str, span: Span) -> None:
        mapping = self.stack[-1][0]
        if len(key) > MAX_KEY:
            self.fail(span, f"a key of {len(key):,} characters; the limit is {MAX_KEY}")
        if key == "<<":
            self.fail(span, "YAML 1.2 has no merge key '<<'; repeat the fields, or use model.defaults or a block")
        if key in mapping.keys:
            first = mapping.keys[key]
            line = first.line + 1 if first else 0
            self.report(Problem(Where("", span), f"duplicate key '{key}', first given on line {line}"))
        mapping.keys[key] = span
        self.pending[-1] = key

    def add(self, tree: Tree, height: int) -> None:
        self.count += 1
        if self.count > MAX_VALUES or tree.size > MAX_VALUES:
            self.fail(tree.span, f"holds more than {MAX_VALUES:,} values once aliases are expanded, the limit")
        if not self.stack:
            self.root = tree
            return
        parent = self.stack[-1][0]
        parent.size += tree.size
        self.heights[-1] = max(self.heights[-1], height + 1)
        if isinstance(parent.value, dict):
            key = self.pending[-1]
            assert key is not None
            parent.value[key] = tree
            self.pending[-1] = None
        else:
            parent.value.append(tree)
