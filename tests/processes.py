"""Run ``python -m asyncstream`` as its users do: in a process of its own, on a pipe or on a pseudo-terminal."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals, pipes and pseudo-terminals")

TIMEOUT = 60.0

# What is left open at the end is seen on stderr, which the tests want empty.
_COMMAND = (sys.executable, "-W", "always::ResourceWarning", "-m", "asyncstream")


def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end, with both outputs on pipes."""
    return subprocess.run(
        [*_COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        env=_environment(environment),
        timeout=TIMEOUT,
        check=False,
    )


def run_on_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command line to its end on a pseudo-terminal; return its exit status and all that the terminal showed."""
    ours, theirs = os.openpty()
    try:
        with subprocess.Popen(
            [*_COMMAND, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=_environment({"TERM": "xterm-256color", **environment}),
            start_new_session=True,
        ) as process:
            os.close(theirs)
            shown = b"".join(_read_all(ours))
            return process.wait(TIMEOUT), shown.decode().replace("\r\n", "\n")
    finally:
        os.close(ours)


@contextmanager
def talking(*arguments: str, **environment: str) -> Iterator["Talk"]:
    """Start a command line on a pseudo-terminal, to be talked with; it is killed at the end if it still runs."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*_COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=_environment({"TERM": "dumb", **environment}),
        start_new_session=True,
    )
    os.close(theirs)
    with process:
        try:
            yield Talk(process, ours)
        finally:
            process.kill()
            os.close(ours)


class Talk:
    """A command at a terminal, and what it has shown."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self._shown = ""

    def until(self, needle: str) -> str:
        """Read what is shown up to the end of `needle`; return what came since the last time."""
        while needle not in self._shown:
            data = os.read(self._terminal, 65536)
            assert data, f"the output ended without {needle!r}: {self._shown!r}"
            self._shown += data.decode().replace("\r\n", "\n")
        shown, _, self._shown = self._shown.partition(needle)
        return shown + needle

    def type(self, text: str) -> None:
        """Type some text; Enter is a line feed."""
        os.write(self._terminal, text.encode())

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def interrupted(self) -> int:
        """Interrupt it at its prompt, and again: one that comes as the prompt is written is seen at the next key."""
        for _ in range(int(TIMEOUT)):
            self.interrupt()
            try:
                return self.process.wait(1.0)
            except subprocess.TimeoutExpired:
                pass
        raise AssertionError("it goes on after every interruption")

    def ending(self) -> int:
        """Wait for the end; return the exit status."""
        b"".join(_read_all(self._terminal))
        return self.process.wait(TIMEOUT)


def _read_all(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            # EIO is how Linux says that the other side was closed; others return nothing.
            return
        if not data:
            return
        yield data


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command line with both outputs on pipes; it is killed at the end if it still runs."""
    process = subprocess.Popen(
        [*_COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=_environment(environment),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def lines_until(process: subprocess.Popen[str], needle: str) -> list[str]:
    """Read lines of the process up to the first that contains `needle`."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if needle in line:
            return lines
    raise AssertionError(f"the output ended without {needle!r}: {lines}")


def text_until(process: subprocess.Popen[str], needle: str) -> str:
    """Read the process's output up to the end of `needle`, which need not end a line."""
    assert process.stdout is not None
    text = ""
    while not text.endswith(needle):
        piece = process.stdout.read(1)
        assert piece, f"the output ended without {needle!r}: {text!r}"
        text += piece
    return text


def ending(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end; return the exit status and what stderr got."""
    _, errors = process.communicate(timeout=TIMEOUT)
    return process.returncode, errors


def without_styles(text: str) -> str:
    """Return text as it would be without colours."""
    return re.sub(r"\x1b\[\d+m", "", text)


def _environment(changes: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    return {**kept, "PYTHONUTF8": "1", **changes}
