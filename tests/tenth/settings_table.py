"""The table of `docs/settings.md`, made from the settings themselves.

`python -m tests.tenth.settings_table` writes it; a test compares.
"""

from pathlib import Path
from typing import Final

from pydantic.fields import FieldInfo

from tenth.settings import ENV_PREFIX, Settings

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "settings.md"
BEGIN: Final = "<!-- settings -->\n"
END: Final = "<!-- end of settings -->\n"


def table() -> str:
    """One line of Markdown per setting."""
    lines = ["| Flag | Environment | Default | Meaning |", "|---|---|---|---|"]
    lines += [_line(name, field) for name, field in Settings.model_fields.items()]
    return "\n".join(lines) + "\n"


def _line(name: str, field: FieldInfo) -> str:
    flag = f"--{name.replace('_', '-')}"
    is_switch = field.annotation is bool
    if is_switch:
        flag = f"{flag}`, `--no-{name.replace('_', '-')}"
    unset = field.default_factory is not None or field.default in (None, "")
    text = str(field.default).lower() if is_switch else str(field.default)
    default = "" if unset else f"`{text}`"
    return f"| `{flag}` | `{ENV_PREFIX}{name.upper()}` | {default} | {field.description} |"


def written() -> str:
    """The table as the document has it."""
    return DOCUMENT.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table() + END + rest.split(END)[1], encoding="utf-8")
