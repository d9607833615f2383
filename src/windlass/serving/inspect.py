"""Infer the signature of a model in its own environment: `python -m windlass.serving.inspect --model PATH ...`"""

import argparse
import json
from pathlib import Path

from windlass.kernel.errors import WindlassError
from windlass.serving.commands import EXIT_ARGUMENTS, EXIT_LOAD, EXIT_PREDICT, give_up, settle_libraries


def main() -> None:
    """Exits 0 with the signature written, 2 for unusable arguments, 3 when the model cannot be loaded, 4 when it cannot
    predict the sample."""
    given = _arguments()
    settle_libraries()
    from windlass.serving.inference import infer, record
    from windlass.serving.releases import load_model
    from windlass.serving.runtimes import RunSpec, Source
    from windlass.serving.runtimes.tabular import with_absent
    from windlass.serving.signature import signature_bytes
    from windlass.serving.tables import read_table

    without = list(filter(None, given.without.split(",")))
    absent: list[str] = []
    run = RunSpec(given.kind, given.model.name, given.target, tuple(given.allow))
    code = given.code.resolve() if given.code else None
    try:
        sample = None
        if given.sample:
            table = read_table(given.sample)
            sample = {name: column for name, column in table.items() if name not in without}
            absent = [name for name in without if name not in table]
    except WindlassError as error:
        give_up(error, EXIT_ARGUMENTS)
    try:
        model = load_model(Source(given.model.resolve(), code, run))
    except WindlassError as error:
        give_up(error, EXIT_LOAD)
    try:
        inferred = infer(model, sample)
        recorded = record(inferred)
    except WindlassError as error:
        give_up(with_absent(error, absent), EXIT_PREDICT)
    given.output.write_bytes(signature_bytes(inferred.signature))
    if given.record:
        given.record.write_text(json.dumps(recorded, allow_nan=False), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="windlass.serving.inspect", description="Infer the signature of a model.")
    parser.add_argument("--model", type=Path, required=True, help="the model's file, or its folder")
    parser.add_argument("--kind", required=True, help="onnx, skops, pickle or python")
    parser.add_argument("--target", default="", help="module:Class, for python")
    parser.add_argument("--code", type=Path, help="the folder of the service's modules")
    parser.add_argument("--allow", action="append", default=[], help="pickle, or a type that skops shall trust")
    parser.add_argument("--sample", type=Path, help="rows the model was trained on: .parquet, .csv or .json")
    parser.add_argument("--without", default="", help="columns that are no features, separated by commas")
    parser.add_argument("--output", type=Path, required=True, help="where signature.json goes")
    parser.add_argument("--record", type=Path, help="where the first rows and their predictions go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
