"""`ribolm <verb> …`: the pip-installed way to the same commands that the pipeline calls as `ribolm-<verb>`."""

import importlib
import sys
from pathlib import Path

from ribolm.version import version_line


def entry() -> int:
    """Pass the command line on to the verb that it names."""
    # files without a main hold sub-commands or options of others
    files = [path for path in Path(__file__).parent.glob("*.py") if "\ndef main(" in path.read_text("utf-8")]
    verbs = sorted(path.stem for path in files)
    argv = sys.argv[1:]
    if argv[:1] == ["--version"]:
        print(version_line(argv[1:]))
        return 0
    usage = f"usage: ribolm [--version] ({' | '.join(verbs)}) …"
    if not argv or argv[0] in ("-h", "--help"):
        print(usage)
        return 0 if argv else 2
    if argv[0] not in verbs:
        print(f"ribolm: error: '{argv[0]}' is no ribolm command. {usage}", file=sys.stderr)
        return 2
    main = importlib.import_module(f"ribolm.cli.{argv[0]}").main
    return int(main(argv[1:]))
