"""The mutants of a module: every small change that a test should notice, and how one is put into the running module.

Pure but for `plant`. A mutant is named by its module, its function, the text of its line and what is changed there, so
that the name stays while other lines come and go. What is not mutated: annotations, docstrings, `assert`, f-strings and
strings with a space (the wording of messages), and class bodies but for plain constants (a struct's fields are made
when the class is).
"""

import ast
import copy
import functools
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

__all__ = ["Mutant", "mutants_of", "plant"]

_COMPARISONS = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.BitOr: ast.BitAnd}
_SIGNS: dict[type[ast.AST], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.BitOr: "|",
    ast.BitAnd: "&",
}

Place = tuple[str | int, ...]
"""The way from the module's tree to a node: names of fields and positions in lists."""

Change = Callable[[ast.AST], ast.AST]


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    module: str
    """As imported: ``asyncstream.sse``."""
    function: str
    """Its qualified name; of a constant, the constant's."""
    line: str
    """The text of the line, without its indent."""
    change: str
    occurrence: int
    """1, 2... where line and change are the same as those of an earlier one in this function."""
    number: int
    """The line's number, for reading only."""
    place: Place
    apply: Change
    of_constant: bool = False
    """Whether it is no function's."""

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names it."""
        return (self.module, self.function, self.line, self.change, self.occurrence)

    @property
    def rank(self) -> str:
        """Give a place in a random order that does not change with other mutants."""
        return hashlib.sha256("\0".join(map(str, self.key)).encode()).hexdigest()

    def __str__(self) -> str:
        again = f" ({self.occurrence})" if self.occurrence > 1 else ""
        return f"{self.module}:{self.number} {self.function}: `{self.line}`: {self.change}{again}"


def mutants_of(module: ModuleType) -> list[Mutant]:
    """Return all mutants of an imported module, in the order of its lines."""
    source, tree = _parsed(module)
    lines = source.splitlines()
    found: list[Mutant] = []
    seen: Counter[tuple[str, str, str]] = Counter()
    for function, place, node in _mutable(tree):
        for change, apply in _changes(node):
            number: int = getattr(node, "lineno", 0)
            name = (function, lines[number - 1].strip(), change)
            seen[name] += 1
            found.append(
                Mutant(module.__name__, *name, seen[name], number, place, apply, not _in_function(tree, place))
            )
    return found


def _in_function(tree: ast.Module, place: Place) -> bool:
    node: object = tree
    for step in place:
        node = node[step] if isinstance(step, int) else getattr(node, step)  # type: ignore[index]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return True
    return False


@functools.cache
def _parsed(module: ModuleType) -> tuple[str, ast.Module]:
    assert module.__file__ is not None
    with open(module.__file__, encoding="utf-8") as file:
        source = file.read()
    return source, ast.parse(source)


def _mutable(tree: ast.Module) -> Iterator[tuple[str, Place, ast.AST]]:
    """Give the nodes that may be changed, with the function they stand in."""

    def inside(node: ast.AST, name: str, place: Place) -> Iterator[tuple[str, Place, ast.AST]]:
        if isinstance(node, ast.Assert | ast.JoinedStr) or _is_docstring(node) or _is_typing(node):
            return
        yield name, place, node
        for field, value in ast.iter_fields(node):
            # An annotation, or the expression of a `case`, is no code that runs.
            if field in ("annotation", "returns", "decorator_list", "pattern", "arg"):
                continue
            if isinstance(value, list):
                for position, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        yield from inside(item, name, (*place, field, position))
            elif isinstance(value, ast.AST):
                yield from inside(value, name, (*place, field))

    def body(statements: list[ast.stmt], prefix: str, place: Place) -> Iterator[tuple[str, Place, ast.AST]]:
        for position, statement in enumerate(statements):
            here = (*place, position)
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from inside(statement, prefix + statement.name, here)
            elif isinstance(statement, ast.ClassDef):
                if not any(isinstance(base, ast.Name) and base.id == "Protocol" for base in _bases(statement)):
                    yield from body(statement.body, f"{prefix}{statement.name}.", (*here, "body"))
            elif (name := _constant(statement, field=bool(prefix))) is not None:
                yield from inside(statement, prefix + name, here)

    yield from body(tree.body, "", ("body",))


def _bases(statement: ast.ClassDef) -> list[ast.expr]:
    return [base.value if isinstance(base, ast.Subscript) else base for base in statement.bases]


def _constant(statement: ast.stmt, *, field: bool = False) -> str | None:
    """Return the name that a module or class gives a value, if it is one that a mutant can be put in place of."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        # In a class it is a field of a struct.
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value, annotation=annotation) if not field:
            if "TypeAlias" in ast.unparse(annotation):
                return None
        case _:
            return None
    made = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _MAKERS
    return None if name.startswith("__") or made or isinstance(value, ast.Subscript) else name


_MAKERS = {"TypeVar", "ParamSpec", "NewType"}


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_typing(node: ast.AST) -> bool:
    """Tell whether a call is for type checkers only."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("cast", "assert_never", "TypeVar")
    )


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """Give the ways to change a node: what it is called, and how it is done (to a copy)."""
    match node:
        case ast.Compare(ops=ops):
            for position, old in enumerate(ops):
                new = _COMPARISONS[type(old)]
                yield f"{_SIGNS[type(old)]} -> {_SIGNS[new]}", _set_item("ops", position, new())
        case ast.BoolOp(op=ast.And()):
            yield "and -> or", _set("op", ast.Or())
        case ast.BoolOp():
            yield "or -> and", _set("op", ast.And())
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _OPERATORS:
            other = _OPERATORS[type(op)]
            yield f"{_SIGNS[type(op)]} -> {_SIGNS[other]}", _set("op", other())
        case ast.UnaryOp(op=ast.Not()):
            yield "without not", lambda node: _call("bool", node.operand)  # type: ignore[attr-defined]
        case ast.Constant(value=bool(value)):
            yield f"{value} -> {not value}", _set("value", not value)
        case ast.Constant(value=int() | float() as value):
            yield f"{value} -> {value + 1}", _set("value", value + 1)
        case ast.Constant(value=str(value)) if " " not in value:
            yield f"{value!r} -> {value + 'X'!r}", _set("value", value + "X")
        case ast.Constant(value=bytes(value)):
            yield f"{value!r} -> {value + b'X'!r}", _set("value", value + b"X")
        case ast.Slice(lower=lower, upper=upper):
            if lower is not None:
                yield "no lower bound", _set("lower", None)
            if upper is not None:
                yield "no upper bound", _set("upper", None)
        # Of what is false, None is no other answer to most; `False -> True` is asked for anyway.
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and not value.value):
            yield "return None", _set("value", ast.Constant(None))
        case ast.Break():
            yield "break -> continue", lambda node: ast.Continue()
        case ast.Continue():
            yield "continue -> break", lambda node: ast.Break()
        case ast.Expr() | ast.Delete() | ast.Raise():
            yield "dropped", lambda node: ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield "dropped", lambda node: ast.Pass()
    if isinstance(node, ast.AugAssign):
        yield "dropped", lambda node: ast.Pass()
    if isinstance(node, ast.If | ast.While | ast.IfExp) and _is_plain(node.test):
        yield "condition reversed", _reverse
    if isinstance(node, ast.Return) and node.value is None:
        yield "dropped", lambda node: ast.Pass()


def _is_plain(test: ast.expr) -> bool:
    """Tell whether a condition is one that no other change reverses."""
    return not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant)


def _reverse(node: ast.AST) -> ast.AST:
    node.test = ast.UnaryOp(ast.Not(), node.test)  # type: ignore[attr-defined]
    return node


def _call(name: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [argument], [])


def _set(field: str, value: object) -> Change:
    def change(node: ast.AST) -> ast.AST:
        setattr(node, field, value)
        return node

    return change


def _set_item(field: str, position: int, value: object) -> Change:
    def change(node: ast.AST) -> ast.AST:
        getattr(node, field)[position] = value
        return node

    return change


# Planting: the module stays the object that everybody has imported; only the code of a function is exchanged.


def plant(mutant: Mutant) -> None:
    """Put a mutant into its imported module, in this process. There is no way back: fork first."""
    module = sys.modules[mutant.module]
    tree = copy.deepcopy(_parsed(module)[1])
    *way, last = mutant.place
    parent: object = tree
    for step in way:
        parent = parent[step] if isinstance(step, int) else getattr(parent, step)  # type: ignore[index]
    if isinstance(last, int):
        parent[last] = ast.copy_location(mutant.apply(parent[last]), parent[last])  # type: ignore[index]
    else:
        node = getattr(parent, str(last))
        setattr(parent, str(last), ast.copy_location(mutant.apply(node), node))
    ast.fix_missing_locations(tree)

    owner_name, _, name = mutant.function.rpartition(".")
    owner: object = module
    statements = tree.body
    for part in owner_name.split(".") if owner_name else ():
        owner = getattr(owner, part)
        statements = next(s for s in statements if isinstance(s, ast.ClassDef) and s.name == part).body
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == name:
            if getattr(statement, "lineno", 0) <= mutant.number <= (statement.end_lineno or 0):
                _plant_function(owner, statement, module, tree)
        elif _constant(statement) == name:
            value = statement.value  # type: ignore[attr-defined]  # _constant saw it
            made = eval(compile(ast.Expression(value), mutant.module, "eval"), vars(module))
            _plant_constant(owner, name, made, module)
    _forget_results(mutant.module.partition(".")[0])


def _forget_results(package: str) -> None:
    """Empty the caches of functions: what they kept was made without the mutant."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package:
            for value in list(vars(module).values()):
                if callable(forget := getattr(value, "cache_clear", None)):
                    forget()


def _plant_function(
    owner: object, statement: ast.FunctionDef | ast.AsyncFunctionDef, module: ModuleType, tree: ast.Module
) -> None:
    code = _code(compile(tree, str(module.__file__), "exec"), statement)
    for function in _functions(vars(owner)[statement.name]):
        if function.__code__.co_firstlineno != code.co_firstlineno:
            continue
        _plant_defaults(function, statement, module)
        try:
            function.__code__ = code
        except ValueError:
            # Without its `super()` a method has no cell for its class: it has to be made anew.
            made = FunctionType(code, vars(module), function.__name__, function.__defaults__)
            setattr(owner, statement.name, made)


def _plant_defaults(
    function: FunctionType, statement: ast.FunctionDef | ast.AsyncFunctionDef, module: ModuleType
) -> None:
    def made(value: ast.expr) -> object:
        return eval(compile(ast.Expression(value), module.__name__, "eval"), vars(module))

    given = statement.args
    function.__defaults__ = tuple(map(made, given.defaults)) or None
    keywords = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    function.__kwdefaults__ = {key.arg: made(value) for key, value in keywords if value is not None} or None


def _functions(found: object) -> Iterator[FunctionType]:
    """Give the functions behind what a class or module has under a name."""
    if isinstance(found, FunctionType):
        yield found
    for behind in ("fget", "fset", "func", "__func__", "__wrapped__"):
        inner = getattr(found, behind, None)
        if inner is not None:
            yield from _functions(inner)


def _code(code: CodeType, statement: ast.FunctionDef | ast.AsyncFunctionDef) -> CodeType:
    """Find the compiled code of a function by its name and first line."""
    line = _first_line(statement)
    waiting = [code]
    while waiting:
        for constant in waiting.pop().co_consts:
            if isinstance(constant, CodeType):
                if constant.co_name == statement.name and constant.co_firstlineno == line:
                    return constant
                waiting.append(constant)
    raise LookupError(statement.name)


def _first_line(statement: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])


def _plant_constant(owner: object, name: str, value: object, module: ModuleType) -> None:
    old = getattr(owner, name)
    setattr(owner, name, value)
    if owner is module:
        package = module.__name__.partition(".")[0]
        for other, imported in list(sys.modules.items()):
            if other.startswith(package) and vars(imported).get(name) is old:
                setattr(imported, name, value)
        _plant_constants_of(name, module)
        _plant_all_defaults(module, module, _parsed(module)[1].body)


def _plant_constants_of(name: str, module: ModuleType) -> None:
    """Make anew the module's constants that were made of a constant: a table of rows, each of which has a name."""
    for statement in _parsed(module)[1].body:
        made = _constant(statement)
        if made is None or made == name:
            continue
        value: ast.expr = statement.value  # type: ignore[attr-defined]  # _constant saw it
        if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(value)):
            _plant_constant(
                module, made, eval(compile(ast.Expression(value), module.__name__, "eval"), vars(module)), module
            )


def _plant_all_defaults(owner: object, module: ModuleType, statements: list[ast.stmt]) -> None:
    """Make the defaults of all functions anew: they may name the constant."""
    for statement in statements:
        if isinstance(statement, ast.ClassDef):
            _plant_all_defaults(getattr(owner, statement.name), module, statement.body)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            for function in _functions(vars(owner)[statement.name]):
                if function.__code__.co_firstlineno == _first_line(statement):
                    _plant_defaults(function, statement, module)
