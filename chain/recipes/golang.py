"""Go: a module, built to one static program in an image with nothing else."""

from __future__ import annotations

from chain.recipes.source import USER, Source, dockerfile, words


def recognises(source: Source) -> bool:
    """Whether it is a Go module."""
    return bool(source.has("go.mod"))


def recipe(source: Source) -> str:
    """Its Dockerfile."""
    sums = "go.sum " if source.has("go.sum") else ""
    vendored = bool(source.has("vendor"))
    return dockerfile(
        f"FROM {source.bases['go']} AS build",
        "WORKDIR /src",
        "" if vendored else f"COPY go.mod {sums}/src/",
        "" if vendored else "RUN go mod download",
        "COPY . /src",
        "RUN CGO_ENABLED=0 go build -trimpath -o /program .",
        "FROM scratch",
        "COPY --from=build /etc/ssl/certs/ /etc/ssl/certs/",
        "COPY --from=build /program /program",
        f"USER {USER}",
        f"CMD {words(['/program'])}",
    )
