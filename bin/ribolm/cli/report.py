"""ribolm-report: quality, pictures and text of a run, for MultiQC and for genome browsers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ribolm.cli import new_app, run
from ribolm.cli.report_rna import add_embedding, add_structures, add_values, add_zeroshot

if TYPE_CHECKING:
    import typer

SEED = 1


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-report."""
    return run(app, argv, "ribolm-report")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (
        _add_peaks,
        _add_motif,
        _add_metagene,
        _add_tracks,
        _add_session,
        _add_strandedness,
        _add_training,
        _add_evaluation,
        _add_scan,
        _add_explain,
        _add_fewshot,
        _add_tokens,
        add_structures,
        add_embedding,
        add_zeroshot,
        add_values,
        _add_methods,
        _add_headline,
    ):
        add(cli)
    return cli


def _add_peaks(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def peaks(
        peaks_dir: Annotated[list[Path], Option(help="Folder that `ribolm-peaks` wrote; repeat per group.")],
        outdir: Annotated[Path, Option(help="Folder for the sections (*_mqc.json).")],
        gtf: Annotated[Path | None, Option(help="Genes: shows beside peaks per region what chance would give.")] = None,
    ) -> None:
        """Libraries and peaks of all groups: reads in peaks, enrichment, correlation, lengths, regions."""
        from ribolm.files import atomic_directory
        from ribolm.genome.annotation import read_gtf
        from ribolm.report.folders.peak_folder import read_peak_folders
        from ribolm.report.libraries.correlation import write_correlation_sections
        from ribolm.report.libraries.enrichment import write_enrichment_sections
        from ribolm.report.libraries.quality import write_library_sections
        from ribolm.report.peaks.overview import write_overview_sections

        folders = read_peak_folders(peaks_dir)
        with atomic_directory(outdir) as out:
            write_library_sections(out, folders)
            write_enrichment_sections(out, folders)
            write_correlation_sections(out, folders)
            write_overview_sections(out, folders, read_gtf(gtf) if gtf else None)


def _add_motif(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def motif(
        peaks: Annotated[list[str], Option(metavar="[NAME=]BED", help="Peaks of a group (BED12); repeat per group.")],
        fasta: Annotated[Path, Option(help="Genome, plain or gzip.")],
        gtf: Annotated[Path, Option(help="Genes: plain or gzip GTF with exon rows.")],
        outdir: Annotated[Path, Option(help="Folder for sections, numbers and logos.")],
        name: Annotated[str, Option(help="Name of the one group, where NAME= is left out.")] = "",
        seed: Annotated[int, Option(min=0, help="Seed of the matched background.")] = SEED,
    ) -> None:
        """DRACH in peaks against matched background, its profile and logos."""
        from ribolm.files import atomic_directory
        from ribolm.genome.annotation import read_gtf
        from ribolm.genome.fasta import Genome
        from ribolm.report.peaks.motif_sections import write_motif_report
        from ribolm.report.peaks.places import read_named_peaks

        groups = read_named_peaks(peaks, name)
        with atomic_directory(outdir) as out:
            write_motif_report(out, groups, read_gtf(gtf), Genome.open(fasta), seed, name)


def _add_metagene(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def metagene(
        peaks: Annotated[list[str], Option(metavar="[NAME=]BED", help="Peaks of a group (BED12); repeat per group.")],
        gtf: Annotated[Path, Option(help="Genes: plain or gzip GTF with exon rows, best with CDS.")],
        outdir: Annotated[Path, Option(help="Folder for sections, numbers and pictures.")],
        name: Annotated[str, Option(help="Name of the one group, where NAME= is left out.")] = "",
    ) -> None:
        """Peaks along transcripts: 5'UTR, CDS, 3'UTR, distance to the stop codon."""
        from ribolm.files import atomic_directory
        from ribolm.genome.annotation import read_gtf
        from ribolm.report.peaks.metagene_sections import write_metagene_report
        from ribolm.report.peaks.places import read_named_peaks

        groups = read_named_peaks(peaks, name)
        with atomic_directory(outdir) as out:
            write_metagene_report(out, groups, read_gtf(gtf), name)


def _add_tracks(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def tracks(
        summary: Annotated[Path, Option(help="summary.json of the group, for size factors and read filter.")],
        chrom_sizes: Annotated[Path, Option(help="Table of contig name and length (chrom_sizes.tsv, .fai).")],
        name: Annotated[str, Option(help="Name of the group.")],
        outdir: Annotated[Path, Option(help="Folder for NAME.ip.bw, NAME.input.bw, NAME.log2ratio.bw.")],
        ip: Annotated[list[str] | None, Option(metavar="[NAME=]BAM", help="IP library; repeat per replicate.")] = None,
        control: Annotated[
            list[str] | None, Option("--input", metavar="[NAME=]BAM", help="Input library; repeat per replicate.")
        ] = None,
        threads: Annotated[int, Option(min=1, help="Threads for decompression.")] = 1,
    ) -> None:
        """bigWig tracks of spliced coverage: IP, input and their log2 ratio."""
        from ribolm.report.browser.tracks import named_bams, write_tracks

        ip_bams, control_bams = named_bams(ip or [], "--ip"), named_bams(control or [], "--input")
        write_tracks(outdir, name, ip_bams, control_bams, summary, chrom_sizes, threads)


def _add_session(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def session(
        genome_fasta: Annotated[str, Option(help="Path of the genome as seen from the session file.")],
        gtf: Annotated[str, Option(help="Path of the genes as seen from the session file.")],
        out: Annotated[Path, Option(help="igv_session.xml to write.")],
        track: Annotated[
            list[str] | None, Option(help="Path of a bigWig, BED or BAM as seen from the session file; repeat.")
        ] = None,
        locus: Annotated[str, Option(help="Place to open.")] = "All",
    ) -> None:
        """IGV session with all tracks, coloured by assay and group."""
        from ribolm.files import atomic_path
        from ribolm.report.browser.session import igv_session

        text = igv_session(track or [], genome_fasta, gtf, locus)
        with atomic_path(out) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _add_strandedness(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def strandedness(
        json: Annotated[list[Path], Option(help="File of `ribolm-preprocess strandedness`; repeat per library.")],
        outdir: Annotated[Path, Option(help="Folder for the sections (*_mqc.json).")],
    ) -> None:
        """Strandedness of all libraries."""
        from ribolm.files import atomic_directory
        from ribolm.report.libraries.strandedness import write_strandedness_report

        with atomic_directory(outdir) as out:
            write_strandedness_report(out, json)


def _add_training(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def training(
        log: Annotated[list[str], Option(metavar="[NAME=]JSONL", help="log.jsonl of a training; repeat.")],
        outdir: Annotated[Path, Option(help="Folder for the sections (*_mqc.json).")],
    ) -> None:
        """Loss, metrics on held-out sequences, learning rate, throughput and choices of all trainings."""
        from ribolm.files import atomic_directory
        from ribolm.report.training.log import read_runs
        from ribolm.report.training.sections import write_training_sections

        runs = read_runs(log)
        with atomic_directory(outdir) as out:
            write_training_sections(out, runs)


def _add_evaluation(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def evaluation(
        folder: Annotated[
            list[Path], Option("--dir", help="Folder of `ribolm-evaluate sites`, or `sequences` (repeat per set).")
        ],
        outdir: Annotated[Path, Option(help="Folder for sections and the figure.")],
    ) -> None:
        """Precision and recall, ROC, calibration, methods, differences, strata and leakage of scores."""
        from ribolm.files import atomic_directory
        from ribolm.report.folders.evaluation_folder import of_one_kind, read_evaluation
        from ribolm.report.m6a_sites.evaluation_sections import write_evaluation_sections
        from ribolm.report.polya.window_sections import write_window_sections

        folders = [read_evaluation(path) for path in folder]
        of_windows = of_one_kind(folders)
        with atomic_directory(outdir) as out:
            if of_windows:
                write_window_sections(out, folders)
            else:
                write_evaluation_sections(out, folders[0])


def _add_scan(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def scan(
        folder: Annotated[list[Path], Option("--dir", help="Folder of `ribolm-predict merge --details`; repeat.")],
        outdir: Annotated[Path, Option(help="Folder for sections and logos.")],
        beside: Annotated[list[Path] | None, Option(help="Folder of `ribolm-evaluate scan`; repeat.")] = None,
    ) -> None:
        """Calls of a scan for poly(A) sites: their error, recovery of known sites, places and letters."""
        from ribolm.files import atomic_directory
        from ribolm.report.polya.scan_comparison import read_comparison, write_comparison_section
        from ribolm.report.polya.scan_sections import read_scan, write_scan_sections

        folders, compared = [read_scan(path) for path in folder], [read_comparison(path) for path in beside or []]
        with atomic_directory(outdir) as out:
            write_scan_sections(out, folders)
            write_comparison_section(out, compared)


def _add_explain(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def explain(
        folder: Annotated[list[Path], Option("--dir", help="Folder of `ribolm-explain windows`; repeat.")],
        outdir: Annotated[Path, Option(help="Folder for sections and pictures.")],
    ) -> None:
        """What models of windows look at: signals destroyed, letters changed, words attended to."""
        from ribolm.files import atomic_directory
        from ribolm.report.polya.explain_sections import read_explained, write_explain_sections

        folders = [read_explained(path) for path in folder]
        with atomic_directory(outdir) as out:
            write_explain_sections(out, folders)


def _add_fewshot(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def fewshot(
        folder: Annotated[list[Path], Option("--dir", help="Folder of `ribolm-evaluate fewshot`; repeat.")],
        outdir: Annotated[Path, Option(help="Folder for the section.")],
    ) -> None:
        """Backbones without training, beside the published ones."""
        from ribolm.files import atomic_directory
        from ribolm.report.polya.few_shot_sections import read_few_shot, write_few_shot_section

        folders = [read_few_shot(path) for path in folder]
        with atomic_directory(outdir) as out:
            write_few_shot_section(out, folders)


def _add_tokens(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def tokens(
        folder: Annotated[list[Path], Option("--dir", help="Folder of `ribolm-evaluate tokens`; repeat.")],
        outdir: Annotated[Path, Option(help="Folder for sections and figures.")],
    ) -> None:
        """Models that answer for every base: methods by tolerance, curves, differences, beside the published ones."""
        from ribolm.files import atomic_directory
        from ribolm.report.folders.token_folder import read_tokens
        from ribolm.report.polya.token_sections import write_token_sections

        folders = [read_tokens(path) for path in folder]
        with atomic_directory(outdir) as out:
            write_token_sections(out, folders)


def _add_methods(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def methods(
        parameters: Annotated[Path, Option(help="JSON object of the run's parameters.")],
        versions: Annotated[Path, Option(help="Versions of tools: `process:` and indented `tool: version` lines.")],
        outdir: Annotated[Path, Option(help="Folder for methods_mqc.html and limits_mqc.html.")],
        summary: Annotated[list[Path] | None, Option(help="summary.json of a group; repeat.")] = None,
    ) -> None:
        """Methods text and limits, filled with versions and parameters."""
        from ribolm.report.run.methods import write_methods
        from ribolm.report.run.record import read_run

        write_methods(outdir, read_run(parameters, versions, summary or []))


def _add_headline(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def headline(
        peaks_dir: Annotated[list[Path], Option(help="Folder that `ribolm-peaks` wrote; repeat per group.")],
        out: Annotated[Path, Option(help="JSON to write; headline_mqc.json goes beside it.")],
        motif: Annotated[list[Path] | None, Option(help="<group>.motif.json; repeat.")] = None,
    ) -> None:
        """The five numbers to read first."""
        from ribolm.report.drawing.cards import write_headline
        from ribolm.report.folders.peak_folder import read_peak_folders
        from ribolm.report.peaks.headline import headline_numbers, write_headline_section

        numbers = headline_numbers(read_peak_folders(peaks_dir), motif or [])
        write_headline(out, numbers)
        write_headline_section(out.parent, numbers)
