"""Every public function with two arguments or more says what it takes, gives and raises.

The docstrings are read as numpydoc reads them. A function is public if no part of its path has
a leading underscore; what nobody outside its file needs gets one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from numpydoc.docscrape import NumpyDocString

from napari_dualgland.cli.app import app

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT / "src" / "napari_dualgland", ROOT / "training" / "dualgland_training")
FILES = sorted(path for folder in FOLDERS for path in folder.rglob("*.py"))
VERBS = {(verb.callback.__module__, verb.callback.__name__) for verb in app.registered_commands}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield (dotted name, function) of a module or a class, and of the classes in it."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node


def arguments(function: Function, inside_class: bool) -> list[str]:
    """Return the names of what a caller gives."""
    spec = function.args
    named = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    static = any(ast.unparse(d) == "staticmethod" for d in function.decorator_list)
    named = named[1:] if inside_class and not static else named
    named += [f"*{spec.vararg.arg}"] if spec.vararg else []
    named += [a.arg for a in spec.kwonlyargs]
    return named + ([f"**{spec.kwarg.arg}"] if spec.kwarg else [])


def own_statements(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function, less those of functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def lacking(name: str, function: Function) -> list[str]:
    """Return what the docstring of a function does not say."""
    wanted = arguments(function, "." in name)
    decorators = {ast.unparse(d).split("(")[0].split(".")[-1] for d in function.decorator_list}
    # Qt calls its handlers, typer its options: their arguments are told where they are declared.
    if len(wanted) < 2 or decorators & {"overload", "override", "command", "callback"}:
        return []
    told = NumpyDocString(ast.get_docstring(function) or "")
    named = {n.strip() for p in told["Parameters"] for n in p.name.split(",")}
    faults = [f"no word of {argument}" for argument in wanted if argument not in named]
    faults += [
        f"there is no {n}" for n in named if n.lstrip("*") not in {w.lstrip("*") for w in wanted}
    ]
    returns = "None" if function.returns is None else ast.unparse(function.returns)
    gives = returns not in ("None", "Never") and not told["Returns"] and not told["Yields"]
    faults += ["no Returns"] if gives else []
    raised = {
        ast.unparse(node.exc).split("(")[0]
        for node in own_statements(function)
        if isinstance(node, ast.Raise) and node.exc is not None
    }
    raises = any(word[:1].isupper() for word in raised) and not told["Raises"]
    return faults + (["no Raises"] if raises else [])


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_public_functions_say_what_they_take_give_and_raise(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts[1:])
    found = [x for x in public_functions(tree.body) if (module, x[0]) not in VERBS]
    faults = {name: lacking(name, node) for name, node in found}
    assert not {name: said for name, said in faults.items() if said}


def test_the_help_of_a_verb_says_what_it_takes():
    group = typer.main.get_command(app)
    assert len(group.commands) == len(VERBS)
    for name, verb in group.commands.items():
        assert verb.help
        unsaid = [x.name for x in verb.params if not getattr(x, "help", None)]
        assert not unsaid, name


SILENT = '''
def f(a, b) -> int:
    """Return.

    Parameters
    ----------
    a : int
        One.
    """
    raise ValueError("no")
'''


def test_a_silent_docstring_is_seen():
    name, node = next(public_functions(ast.parse(SILENT).body))
    assert lacking(name, node) == ["no word of b", "no Returns", "no Raises"]
