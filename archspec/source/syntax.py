"""Faults in the syntax of YAML and JSON, in words that say where to look and how to fix them.

The parsers' own messages ("did not find expected key") speak of parsing; the common ones are reworded here.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

import yaml

from archspec.characters import first_alike, mend, named
from archspec.errors import Problem, Source, Span, SpecError, Where, problem_at
from archspec.wording import quoted

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that YAML 1.2.2, section 5.1, leaves out."""
_DIRECTIVE = re.compile("^%TAG", re.MULTILINE)

_PATH_AS_KEY = re.compile(r"[\w.\-]+\[-?\d+\][\w.\-\[\]]*\s*:")
"""A path of `--set` as a key, such as `model.layers[4].dense.units:`."""

_YAML = {
    "did not find expected key": "expected a key here, indented like the keys above it",
    "did not find expected '-' indicator": "expected '- ' here; the items of a list are indented alike",
    "mapping values are not allowed in this context": "a ':' does not fit here; check the indentation, or put a text "
    "that holds ': ' in quotes",
    "block sequence entries are not allowed in this context": "a '- ' does not fit here; a list begins on the line "
    "below its key",
    "did not find expected node content": "expected a value here",
    "did not find expected <document start>": "the spec ends before this; check the indentation",
    "did not find expected alphabetic or numeric character": "expected a name after '&' or '*'; put a text that "
    "begins with one of them in quotes",
    "found unknown escape character": r"unknown escape in double quotes; write \\, or use single quotes",
    "found unexpected document indicator": "a quote is still open where a new document begins",
}


def forbidden(source: Source) -> Problem | None:
    """The problem with a text that no parser should see: it has control characters such as NUL, or tag directives."""
    match = _FORBIDDEN.search(source.text)
    if match is not None:
        message = f"holds the character U+{ord(match[0]):04X}, which YAML forbids; is this a text file?"
        return Problem(Where("", _at(source, match.start())), message)
    match = _DIRECTIVE.search(source.text)
    if match is not None:
        return Problem(Where("", _at(source, match.start(), 4)), "the directive %TAG is not supported; leave it out")
    return None


def _at(source: Source, position: int, length: int = 1) -> Span:
    before = Source(source.name, source.text[:position]).lines
    return Span(source, len(before) - 1, len(before[-1]), length)


def yaml_problem(error: yaml.MarkedYAMLError, source: Source) -> Problem:
    """The problem that PyYAML found, at the position to fix."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(Where(source.name), f"YAML syntax: {error.problem or error.context}")
    said = error.problem or error.context or ""
    line = source.line(mark.line)
    char = line[mark.column : mark.column + 1]
    message = _YAML.get(said, said)
    opened = error.context_mark
    found = habit(source, mark.line, max(mark.line - 2, 0), said)
    if char == "\t" or "tab character" in said:
        return _tab(source, mark.line, mark.column)
    if found is not None:
        return found
    path = next((one for one in WINDOWS_PATH.finditer(line) if one.start() <= mark.column <= one.end()), None)
    if path is not None:
        return backslash_problem(Span(source, mark.line, path.start(), len(path[0])), path[0])
    if said == "found character that cannot start any token":
        message = f"a value cannot begin with '{char}'; put it in quotes"
    elif said == "did not find expected key" and line[: mark.column].strip():
        message = "this does not belong to the value before it"
    elif said == "could not find expected ':'" and opened:
        mark, message = opened, "this key has no ':' after it"
    elif said == "found unexpected end of stream" and opened:
        mark, message = opened, "this quote is not closed"
    elif opened and said in ("did not find expected ',' or '}'", "did not find expected ',' or ']'"):
        path = _PATH_AS_KEY.search(line)
        if char == "[" and path is not None and path.start() < mark.column < path.end():
            problem = f'YAML syntax: a key with brackets needs quotes inside {{...}}: "{path[0].rstrip(": ")}"'
            return Problem(Where("", Span(source, mark.line, path.start(), len(path[0].rstrip(": ")))), problem)
        bracket, close = ("{", "}") if "}" in said else ("[", "]")
        message = f"expected ',' or '{close}' here"
        if char in "[{" and re.search(r"[^\s,:\[{$]$", line[: mark.column]):
            message += "; put a text that holds brackets in quotes"
        if char == "{" and line[: mark.column].endswith("$"):
            message += '; write an expression inside brackets in quotes, "${...}"'
        elif mark.line != opened.line:
            at_end = not any(rest.strip() for rest in source.lines[mark.line :])
            end = "before the end" if at_end else f"by line {mark.line + 1}"
            mark, message = opened, f"this '{bracket}' is not closed; expected ',' or '{close}' {end}"
    return Problem(Where("", _span(source, mark.line, mark.column)), f"YAML syntax: {message}")


def _tab(source: Source, line: int, column: int) -> Problem:
    """The problem with a tab at or after a position: the parser stops at the end of the text before it."""
    for number in range(line, len(source.lines)):
        text = source.line(number)
        start = column if number == line else 0
        blank = text[: len(text) - len(text.lstrip())]
        if "\t" in blank[start:]:
            place = Span(source, number, blank.index("\t", start))
            if not text.strip():
                return Problem(Where("", place), "YAML syntax: a tab stands on this empty line; remove it")
            return Problem(Where("", place), "YAML syntax: a tab cannot indent; use spaces")
        if "\t" in text[start:]:
            place = Span(source, number, text.index("\t", start))
            return Problem(Where("", place), "YAML syntax: a tab cannot stand here; use a space")
        if text[start:].strip():
            break
    return Problem(Where("", Span(source, line, column)), "YAML syntax: a tab cannot stand here; use spaces")


def habit(source: Source, line: int, first: int, said: str) -> Problem | None:
    """The problem with a character that only looks like one of YAML's, or with a missing space or colon, in the lines
    that led to what the parser says; None where there is none of these.

    Args:
        line: where the parser stopped.
        first: the first line to look at.
        said: the parser's words.
    """
    for number in range(first, line + 1):
        text = source.line(number)
        code = _COMMENT.sub("", text)
        position = first_alike(code)
        if position is not None and not _TEXT_VALUE.match(code) and (number == line or _in_place(code, position)):
            what = f"{named(code[position])} stands here; {mend(code[position])}"
            return Problem(Where("", Span(source, number, position)), f"YAML syntax: {what}")
        if item := re.match(r"( *)-(?=[A-Za-z{\[\"'])", code):
            what = "the '-' of a list needs a space after it"
            return Problem(Where("", Span(source, number, item.end() - 1)), f"YAML syntax: {what}")
        if key := re.match(r" *(?:- )?([A-Za-z_]\w*):(?=[\w\[{\"'$.])", code):
            what = f"'{key[1]}:' needs a space after it"
            return Problem(Where("", Span(source, number, key.start(1), len(key[1]) + 1)), f"YAML syntax: {what}")
        missing = re.fullmatch(r" *([A-Za-z_]\w*)(?: *=)? +[^:#]*", code) if said in _NO_COLON else None
        if missing and number < line and ":" in source.line(line):
            what = "this key has no ':' after it"
            return Problem(Where("", Span(source, number, missing.start(1), len(missing[1]))), f"YAML syntax: {what}")
    return None


def _in_place(code: str, position: int) -> bool:
    """Whether a character stands where YAML has its own: at the beginning of a line, or after a key."""
    return re.fullmatch(r" *(?:- ?)?\w*", code[:position]) is not None


_COMMENT = re.compile(r"(^|\s)#.*")
_TEXT_VALUE = re.compile(r" *[\w.]+: +[^\W\d]")
"""The beginning of a line whose value is a text, in which any character may stand."""
_NO_COLON = ("mapping values are not allowed in this context", "could not find expected ':'")


def backslash_problem(span: Span, text: str) -> Problem:
    """The problem with a path of Windows in double quotes, whose backslashes begin escapes."""
    path = text.strip('"')
    mend_it = f"write '{path}' in single quotes, or {path.replace(chr(92), '/')}"
    return Problem(Where("", span), f"YAML syntax: a '\\' in double quotes begins an escape; {mend_it}")


WINDOWS_PATH = re.compile(r'"[A-Za-z]:\\(?!\\)[^"]*"?')


def checked_json(source: Source, max_depth: int) -> str:
    """The text of a JSON file as YAML, every value in its old column.

    YAML forbids tabs between values and escapes of half a character, which JSON allows.

    Raises:
        SpecError: it is not JSON.
    """

    def refuse(constant: str) -> NoReturn:
        raise SpecError([_json_constant(constant, source)])

    try:
        json.loads(source.text, parse_constant=refuse, parse_int=str)
    except json.JSONDecodeError as error:
        if source.text.strip():
            raise SpecError([_json_problem(error, source)]) from None
    except RecursionError:
        raise problem_at(Where(source.name), f"is nested deeper than {max_depth} levels, the limit") from None
    half = _HALF.search(_SURROGATES.sub(lambda pair: " " * len(pair[0]), source.text))
    if half is not None:
        message = f"JSON syntax: {half[1]} is half a character; a pair of such escapes makes one"
        raise problem_at(Where("", _at(source, half.start(1), len(half[1]))), message)
    return _SURROGATES.sub(_joined, source.text.replace("\t", " "))


_SURROGATES = re.compile(r"(?<!\\)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


_HALF = re.compile(r"(?<!\\)(?:\\\\)*(\\u[dD][89a-fA-F][0-9a-fA-F]{2})")


def _joined(pair: re.Match[str]) -> str:
    """One escape of YAML for the pair of escapes that JSON has for a character beyond U+FFFF."""
    high, low = int(pair[1], 16), int(pair[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def _json_problem(error: json.JSONDecodeError, source: Source) -> Problem:
    text, position = source.text, error.pos
    char = text[position : position + 1]
    before = text[:position].rstrip()[-1:]
    if char == "'":
        message = "a text stands in double quotes in JSON"
    elif char in ("/", "#") and char:
        message = "JSON has no comments"
    elif (before == "," and char in ("}", "]")) or "trailing comma" in error.msg:
        message = "a comma stands before a closing bracket"
        comma = (
            position if char == "," else text.rindex(",", 0, position)
        )  # Python's versions differ in which they report
        return Problem(Where("", _at(source, comma, 1)), f"JSON syntax: {message}")
    elif not text[position:].strip():
        message = "the text ends too early; a '}', a ']' or a value is missing"
    elif error.msg.startswith("Invalid control character"):
        message = r"a text goes over the end of a line, or holds a tab; write \n or \t"
    elif error.msg.startswith("Extra data"):
        message = "the JSON ends before this"
    elif error.msg.startswith("Expecting property name"):
        message = "expected a key in double quotes"
    elif error.msg.startswith("Expecting value"):
        message = "expected a value: a number, a text in double quotes, true, false, null, a list or a mapping"
    else:
        message = error.msg[:1].lower() + error.msg[1:].replace("delimiter", "here").replace("Expecting", "expected")
        message = message.replace("expecting", "expected")
    return Problem(Where("", _span(source, error.lineno - 1, error.colno - 1)), f"JSON syntax: {message}")


def _json_constant(constant: str, source: Source) -> Problem:
    """The problem with `NaN` or `Infinity`, which Python's parser accepts and JSON does not have."""
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN', source.text):
        if match[0] == constant:
            span = _at(source, match.start(), len(constant))
            return Problem(Where("", span), f"JSON syntax: {quoted(constant)} is not a value of JSON; write a number")
    return Problem(Where(source.name), f"JSON syntax: {quoted(constant)} is not a value of JSON; write a number")


def _span(source: Source, line: int, column: int) -> Span:
    """The position; past the end of the text, the end of the last line that is not empty."""
    if not source.line(line)[column:].strip():
        last = min(line, len(source.lines) - 1)
        while last > 0 and not source.line(last).strip():
            last -= 1
        if last != line:
            return Span(source, last, len(source.line(last).rstrip()))
    return Span(source, line, column)
