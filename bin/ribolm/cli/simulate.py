"""ribolm-simulate: small inputs with known truth, the same bytes for the same seed."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ribolm.cli import new_app, run

if TYPE_CHECKING:
    import typer


class Format(StrEnum):
    """Form of the reads."""

    fastq = "fastq"
    bam = "bam"
    both = "both"


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-simulate."""
    return run(app, argv, "ribolm-simulate")


def app() -> "typer.Typer":
    """Build the command line; numpy and pysam are imported by the sub-command."""
    cli = new_app(__doc__)
    _add_m6a(cli)
    _add_polya(cli)
    _add_resm(cli)
    return cli


def _add_m6a(cli: "typer.Typer") -> None:
    import typer

    from ribolm.simulation.m6a_options import M6aOptions

    outdir = Annotated[Path, typer.Option(help="Folder for genome, genes, reads, sheet, truth/ and evidence/.")]
    file_format = Annotated[Format, typer.Option("--format", help="FASTQ for the whole pipeline, or sorted BAM.")]

    def m6a(outdir: Path, file_format: Format = Format.fastq, **chosen: Any) -> None:
        """Simulate MeRIP-seq: spliced genes, methylated sites in DRACH, IP and input libraries, truth files."""
        from ribolm.simulation.m6a import simulate_m6a

        plain: dict[str, Any] = {
            name: str(value) if isinstance(value, StrEnum) else value for name, value in chosen.items()
        }
        print(simulate_m6a(M6aOptions(**plain), outdir, str(file_format)))

    cli.command()(_with_options(m6a, {"outdir": outdir, "file_format": file_format}, M6aOptions))


def _add_polya(cli: "typer.Typer") -> None:
    import typer

    from ribolm.simulation.polya_options import PolyaOptions

    outdir = Annotated[Path, typer.Option(help="Folder for genome, genes, list of sites, sheet, truth/.")]

    def polya(outdir: Path, **chosen: Any) -> None:
        """Simulate a genome with poly(A) sites: signals and GU-rich elements, decoys with signals alone, truth."""
        from ribolm.simulation.polya import simulate_polya

        print(simulate_polya(PolyaOptions(**chosen), outdir))

    cli.command()(_with_options(polya, {"outdir": outdir}, PolyaOptions))


def _add_resm(cli: "typer.Typer") -> None:
    import typer

    from ribolm.simulation.resm_options import ResmOptions

    outdir = Annotated[Path, typer.Option(help="Folder for RNAs, structures, families, values, interactions, sheet.")]

    def resm(outdir: Path, **chosen: Any) -> None:
        """Simulate RNAs with planned structures, families of relatives, measured leaders and interacting pairs."""
        from ribolm.simulation.resm import simulate_resm

        print(simulate_resm(ResmOptions(**chosen), outdir))

    cli.command()(_with_options(resm, {"outdir": outdir}, ResmOptions))


def _with_options(command: Callable[..., None], own: dict[str, Any], options: type) -> Callable[..., None]:
    """Give a command the fields of an options dataclass as its own keyword parameters, for Typer to read."""
    import typer

    parameters = [
        parameter.replace(annotation=own[name])
        for name, parameter in inspect.signature(command).parameters.items()
        if name in own
    ]
    for field in dataclasses.fields(options):
        about = field.metadata
        flags = (about["flag"],) if "flag" in about else (f"--{field.name.replace('_', '-')}",)
        kind: Any = StrEnum(field.name, {x: x for x in about["choices"]}) if "choices" in about else field.type
        limits = {} if kind is bool else {"min": about["min"], "max": about["max"]}
        option = typer.Option(*flags, help=about["help"], **limits)
        parameters.append(
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=Annotated[kind, option]
            )
        )
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command
