#!/usr/bin/env python3
"""docs/api.py - the API reference from the public header: docs/API.md.

usage: docs/api.py            write docs/API.md
       docs/api.py --check    exit 1 when docs/API.md is not what the header says
"""
import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).resolve().parent
HEADER = DOCS.parent / "common/client/lockstep.h"
TARGET = DOCS / "API.md"
HEAD = """# liblockstep

Made from [lockstep.h](../common/client/lockstep.h) by `docs/api.py`; change the header, not
this page.

"""


def prose(comment):
    """The text of a C comment; its paragraphs stay."""
    lines = [re.sub(r"^\s*(/\*+|\*)? ?", "", line) for line in comment.splitlines()]
    return re.sub(r"\s*\*/\s*$", "", "\n".join(lines)).strip()


def blocks(text):
    """(comment, declarations) pairs, top to bottom: a comment at the line's start and the
    code until the next one."""
    parts = re.split(r"(?m)^(?=/\*)", text)
    for part in parts[1:]:
        comment, code = part.split("*/", 1)
        yield prose(comment), code.strip("\n")


def title(code):
    code = re.sub(r"/\*.*?\*/", "", code)
    names = re.findall(r"\b(lockstep_\w+)\(", code) or re.findall(r"\} (lockstep_\w+);", code)
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names)) or "Types"


def clean(code):
    code = re.sub(r"(?m)^#.*$|^extern \"C\" \{$|^\}$", "", code).replace("LOCKSTEP_API ", "")
    return re.sub(r"\n{2,}", "\n\n", code).strip()


def reference():
    out = [HEAD]
    for number, (comment, code) in enumerate(blocks(HEADER.read_text(encoding="utf-8"))):
        code = clean(code)
        if number == 0:
            out.append(comment.split("\n", 1)[1].strip() + "\n\n")
            if not code:
                continue
        out.append(f"## {title(code)}\n\n")
        if number:
            out.append(comment + "\n\n")
        out.append(f"```c\n{code}\n```\n\n")
    return "".join(out).rstrip() + "\n"


def main():
    text = reference()
    if sys.argv[1:] == ["--check"]:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            sys.exit("docs/API.md is not what lockstep.h says: run docs/api.py")
    elif sys.argv[1:]:
        sys.exit(__doc__.strip())
    else:
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
