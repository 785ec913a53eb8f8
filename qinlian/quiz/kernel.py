"""A lesson's kernel: ``python -m qinlian.quiz.kernel`` is IPython's own, without debugger, history and completion.

Nobody types code in a lesson, so what helps with typing only costs memory (docs/benchmarks.md) and, as the history
does, leaves a database in the learner's home.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["SETTINGS", "kernelspec", "main"]

SETTINGS = {"HistoryManager": {"enabled": False}, "Completer": {"use_jedi": False}}


def kernelspec() -> dict[str, Any]:
    """The contents of kernel.json."""
    return {
        # Jupyter puts the server's own interpreter in the place of the word "python". -P: what lies in the learner's
        # folder must not stand in for a module of the kernel's.
        "argv": ["python", "-P", "-m", "qinlian.quiz.kernel", "-f", "{connection_file}"],
        "display_name": "勤廉课程",
        "language": "python",
        "metadata": {"debugger": False, "supported_encryption": ["curve"]},
    }


def main() -> None:
    """Run the kernel until it is told to end; options as IPython's kernel takes them."""
    # IPython's kernel does without a debugger where none is installed.
    sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    IPKernelApp.launch_instance(config=Config(SETTINGS))


if __name__ == "__main__":
    main()
