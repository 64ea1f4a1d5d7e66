"""`python -m orchestration.loadable`: says what is wrong in the files that the definitions are made of, and the next
step, a line each; nothing where all is right."""

from __future__ import annotations

import sys

from warehouse.errors import MillraceError


def main() -> int:
    try:
        import dagster as dg

        from orchestration.definitions import defs

        dg.Definitions.validate_loadable(defs)
    except MillraceError as error:
        told = error.message, error.hint
    except Exception as error:  # noqa: BLE001 - whatever it is, Dagster would start without definitions
        reason = " ".join(str(error).split())[:500]
        told = f"Dagster's definitions cannot be loaded: {reason}", "More of it: dagster definitions validate"
    else:
        return 0
    sys.stdout.write("\n".join(told))
    return 1


if __name__ == "__main__":
    sys.exit(main())
