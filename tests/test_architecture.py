"""The house rules that a machine can hold: who imports whom, what stands where, what is allowed."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from brain.cli.settings import document_settings
from brain.settings import describe_settings
from brain.sources import queries

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("app.py", "brain", "pages", "analytics")

PURE = ("analytics", "brain.decisions", "brain.demo")
PURE_MAY_IMPORT = frozenset({
    "__future__", "abc", "array", "bisect", "collections", "csv", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "html", "io", "ipaddress",
    "itertools", "json", "math", "numbers", "operator", "re", "statistics", "string", "textwrap",
    "types", "typing", "unicodedata", "uuid", "zlib", "zoneinfo", "msgspec", "numpy", "pandas",
    "pyarrow", "scipy", "sklearn"})
PURE_MAY_NOT_CALL = frozenset({"open", "print", "input", "now", "utcnow", "today", "uuid1", "uuid4",
                               "getenv", "read_csv", "read_parquet", "read_sql"})

MAY_IMPORT = {
    "app": ("pages.ui",),
    "pages": ("pages.ui", "brain", "analytics"),
    "analytics": ("analytics",),
    "brain.decisions": ("brain.decisions", "analytics", "brain.events"),
    "brain.demo": ("brain.demo", "brain.events"),
    "brain.sources": ("brain.sources", "brain.decisions", "brain.events", "brain.settings",
                      "analytics"),
    "brain.settings": (), "brain.events": ("brain.events",), "brain.client": (),
    "brain.serving": ("brain",), "brain.cli": ("brain", "analytics"),
    "brain.api": ("brain", "analytics"), "brain.jobs": ("brain", "analytics"),
    "brain": ("brain", "analytics"),
}
"""By the longest name that fits: the packages of this repository that a module may import."""

MAY_NOT_IMPORT = {
    "pages": ("brain.sources", "brain.cli"),
    "brain.api": ("brain.cli",),
    "brain.jobs": ("brain.cli", "brain.api"),
    "brain": ("brain.cli", "brain.api", "brain.jobs"),
}
"""Exceptions from MAY_IMPORT, again by the longest name that fits."""

COMPOSES = ("brain.serving", "brain.cli", "brain.__main__")
"""Where the program is put together: these may import what stands to their left."""

CONNECTS = ("duckdb", "sqlite3", "psycopg", "redis", "prometheus_api_client", "clickhouse_connect",
            "kubernetes", "aiohttp", "any_llm", "openai", "anthropic", "boto3", "botocore")
"""Libraries that open connections: for brain.sources alone."""

FORBIDDEN_MODULES = ("pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle")
FORBIDDEN_CALLS = ("eval", "exec", "system", "popen")
SQL = re.compile(r"^\s*(select\b.+\bfrom\b|insert\s+into\b|update\s+\w+\s+set\b|delete\s+from\b|"
                 r"(create|drop|alter)\s+(or\s+replace\s+)?(temp\w*\s+)?(table|view|index|macro|"
                 r"function)\b|with\s+\w+\s+as\s*\()", re.IGNORECASE | re.DOTALL)


@cache
def sources() -> dict[str, Path]:
    """The product's modules by name."""
    found = {}
    for part in PARTS:
        path = ROOT / part
        for each in [path] if path.is_file() else sorted(path.rglob("*.py")):
            name = ".".join(each.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = each
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> set[str]:
    """Modules that a file imports, also inside functions; names taken from packages included."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in sources() else node.module for name in names}
    return found


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr, node


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def rule(table: dict[str, tuple[str, ...]], module: str) -> tuple[str, ...]:
    fitting = [package for package in table if inside(module, package)]
    return table[max(fitting, key=len)] if fitting else ()


def own(name: str) -> bool:
    return name.partition(".")[0] in {"app", "brain", "pages", "analytics"}


@pytest.mark.parametrize("module", sources())
def test_imports_point_one_way(module: str) -> None:
    composes = any(inside(module, each) for each in COMPOSES)
    for imported in filter(own, imports(sources()[module])):
        allowed = rule(MAY_IMPORT, module)
        assert any(inside(imported, each) for each in allowed) or imported == "brain", imported
        forbidden = () if composes else rule(MAY_NOT_IMPORT, module)
        assert not any(inside(imported, each) for each in forbidden), imported


def test_only_the_console_knows_streamlit() -> None:
    for module, path in sources().items():
        if not (module == "app" or inside(module, "pages")):
            assert not any(inside(each, "streamlit") for each in imports(path)), module


def test_only_sources_open_connections() -> None:
    for module, path in sources().items():
        if not inside(module, "brain.sources"):
            assert not any(inside(each, library) for each in imports(path)
                           for library in CONNECTS), module
            assert "create_engine" not in {name for name, _ in calls(path)}, module


@pytest.mark.parametrize("module", [name for name in sources()
                                    if any(inside(name, each) for each in PURE)])
def test_pure_modules_reach_for_nothing(module: str) -> None:
    path = sources()[module]
    for imported in imports(path):
        assert own(imported) or imported.split(".")[0] in PURE_MAY_IMPORT, imported
    for name, call in calls(path):
        assert name not in PURE_MAY_NOT_CALL, f"{name} in line {call.lineno}"
        if name == "default_rng":  # randomness is an argument, or follows from one
            assert call.args or call.keywords, f"line {call.lineno}"


def test_no_page_stands_directly_in_pages() -> None:
    assert [each.name for each in (ROOT / "pages").glob("*.py")] == []


def test_page_scripts_are_short() -> None:
    for path in (ROOT / "pages").rglob("*.py"):
        if path.parent.name != "ui":
            assert len(path.read_text().splitlines()) <= 80, path.name


def test_no_file_is_long() -> None:
    folders = (*PARTS, "tests", ".ci")
    for part in folders:
        path = ROOT / part
        for each in [path] if path.is_file() else path.rglob("*.py"):
            assert len(each.read_text().splitlines()) <= 400, each.name


def test_every_module_and_public_function_says_what_comes_back() -> None:
    silent = []
    for module, path in sources().items():
        nodes = [(module, tree(path))] if path.stat().st_size else []
        nodes += [(f"{module}.{node.name}", node) for node in tree(path).body  # type: ignore[misc]
                  if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                  and not node.name.startswith("_")]
        silent += [name for name, node in nodes if not ast.get_docstring(node)
                   and not name.startswith(("brain.settings.",))]
    assert silent == []


def test_vague_names_are_not_used() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert not vague & {part for module in sources() for part in module.split(".")}


def test_sql_stands_in_sql_files_only() -> None:
    for module, path in sources().items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not SQL.match(node.value), f"{module}, line {node.lineno}"


def test_nothing_dangerous_is_called() -> None:
    for module, path in sources().items():
        for imported in imports(path):
            assert imported.split(".")[0] not in FORBIDDEN_MODULES, module
        for name, call in calls(path):
            bare = isinstance(call.func, ast.Name) or ast.unparse(call.func).startswith("os.")
            assert not (bare and name in FORBIDDEN_CALLS), f"{module}, line {call.lineno}"
            options = {each.arg: each.value for each in call.keywords}
            assert "unsafe_allow_html" not in options, module
            shell = options.get("shell")
            assert not (isinstance(shell, ast.Constant) and shell.value), module


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    for module, path in sources().items():
        assert not marks.search(path.read_text()), module


def test_every_setting_is_documented() -> None:
    written = (ROOT / "docs" / "settings.md").read_text()
    assert written == document_settings(), "run: brain settings docs > docs/settings.md"


def test_every_query_is_used() -> None:
    texts, patterns = set(), []
    others = [path for path in (ROOT / "tests").rglob("*.py") if path.parent.name != "sql"]
    for path in (*sources().values(), *others):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                patterns.append(re.compile("".join(
                    re.escape(str(each.value)) if isinstance(each, ast.Constant) else r"(\w+)"
                    for each in node.values)))

    def made(name: str, depth: int = 0) -> bool:
        """Whether the name stands in the code, or is put together from parts that do."""
        if name in texts:
            return True
        return depth < 3 and any(
            found and found.groups() and all(made(part, depth + 1) for part in found.groups())
            for found in (pattern.fullmatch(name) for pattern in patterns
                          if pattern.pattern != r"(\w+)"))

    assert [name for name in queries.list_queries() if not made(name)] == []


def test_this_python_is_the_declared_one() -> None:
    assert sys.version_info >= (3, 11)


def test_every_setting_is_used() -> None:
    code = "\n".join(path.read_text() for module, path in sources().items()
                     if module != "brain.settings")
    unused = [knob.key for knob in describe_settings()
              if not re.search(rf"\.{knob.key.partition('.')[2]}\b|{knob.variable}", code)]
    assert unused == []
