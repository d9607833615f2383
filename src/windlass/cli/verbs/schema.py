"""`windlass schema`: what editors need to complete and check `windlass.yaml`."""

import json

from windlass.cli.session import Session
from windlass.cli.shared import verb


@verb("schema")
def command(session: Session) -> None:
    """The JSON Schema of windlass.yaml, on stdout; `-o json` makes no difference."""
    from windlass.delivery.sources.schema import file_schema

    print(json.dumps(file_schema(), indent=2, ensure_ascii=False))
