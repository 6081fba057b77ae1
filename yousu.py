"""The `yousu` command: mounts the sub-commands of kb, models, training and serve, nothing else."""

import typer

from kb.cli import app as kb_app
from kb.index_bench import bench_index
from models.catalog_cli import app as catalog_app
from serve.cli import app, bench_app
from serve.insight.cli import app as insight_app
from serve.insight.cli import bench_watch
from serve.ops_cli import audit_app, key_app, mount, retention_app
from training.bench_cli import (
    bench_answers,
    bench_classify,
    bench_growth,
    bench_retrieval,
    bench_route,
    bench_training,
)
from training.bundle_cli import app as bundle_app
from training.city import init
from training.cli import train_app, train_heads, train_retrieval
from training.encoder.cli import app as encoder_app

app.add_typer(kb_app, name="kb")
app.add_typer(catalog_app, name="catalog")
app.add_typer(key_app, name="key")
app.add_typer(audit_app, name="audit")
app.add_typer(insight_app, name="insight")
app.add_typer(retention_app, name="retention")
mount(app)
app.add_typer(encoder_app, name="encoder")
app.add_typer(bundle_app, name="bundle")
app.add_typer(train_app, name="train")
app.command("init")(init)
app.command("train-heads")(train_heads)
app.command("train-retrieval")(train_retrieval)
bench_app.command("retrieval")(bench_retrieval)
bench_app.command("answers")(bench_answers)
bench_app.command("classify")(bench_classify)
bench_app.command("route")(bench_route)
bench_app.command("growth")(bench_growth)
bench_app.command("training")(bench_training)
bench_app.command("index")(bench_index)
bench_app.command("watch")(bench_watch)


def main() -> None:
    """Run the command line."""
    app(prog_name="yousu")


__all__ = ["app", "main", "typer"]

if __name__ == "__main__":
    main()
