"""What all commands have in common: help, version, usage errors, exit statuses."""

import sys
from importlib.metadata import version

import pytest
from processes import run

from asyncstream.__main__ import main


def test_no_arguments_show_the_help_and_exit_with_2() -> None:
    process = run()

    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr.startswith("usage: python -m asyncstream ")
    for command in ("demo", "chat", "serve"):
        assert f"\n    {command} " in process.stderr


def test_version_is_that_of_the_package() -> None:
    process = run("--version")

    assert (process.returncode, process.stdout, process.stderr) == (0, f"asyncstream {version('asyncstream')}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["chat", "--help"], ["serve", "--help"]])
def test_help_exits_with_0(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("usage: asyncstream ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["sing"],
        ["demo", "--delay", "soon"],
        ["demo", "--delay", "-1"],
        ["demo", "--delay", "nan"],
        ["demo", "--delay", "6"],
        ["serve", "--dialect", "martian"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "-1"],
        ["serve", "--port", "http"],
        ["serve", "--api-key", ""],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ": error: argument " in shown.err


def test_a_closed_stdout_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)

    assert main(["demo"]) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full")
def test_a_full_disk_is_one_line(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        status = main(["demo"])

    assert status == 1
    assert capfd.readouterr().err == "error: cannot write to stdout: No space left on device\n"
