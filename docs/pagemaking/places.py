"""Where things lie in the repository, and which pages of the site are files from outside docs/."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
CARDS = ROOT / "src" / "napari_dualgland" / "weights"


def adopted() -> dict[Path, str]:
    """Return the page of every Markdown file that lies elsewhere in the repository."""
    pages = {
        ROOT / "CHANGELOG.md": "changelog.md",
        ROOT / "training" / "README.md": "training.md",
        ROOT / "sample_data" / "README.md": "sample-data.md",
    }
    pages |= {path: f"results/{path.name}" for path in sorted(RESULTS.glob("*.md"))}
    return pages


def pictured() -> dict[Path, str]:
    """Return where the pictures of adopted pages go in the site."""
    return {path: f"results/{path.name}" for path in sorted(RESULTS.glob("*.png"))}
