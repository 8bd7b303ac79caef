"""`xtransfer results measures`: how alike the embedding spaces of languages are."""

from __future__ import annotations

from flows.commands.results.options import AnyStudy, Encoders, Intermediates, Languages, Seeds, Targets
from flows.commands.results.show import AsFormat, Caption, Format, Label, Printing, readable, show


def command(
    study: AnyStudy = None,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    language: Languages = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """Eigen-similarity of embedding spaces, per cell and language: lower is more alike."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    chosen = {"encoder": encoder, "intermediate": intermediate, "target": target, "language": language, "seed": seed}
    with open_results() as results:
        frame = results.measures(study, **chosen)
    people = readable(frame[["study", "encoder", "intermediate", "target", "seed", "language", "measure"]])
    show(frame, printing, people=people.assign(value=frame["value"].map("{:.3f}".format)), apart=["target", "measure"])
