"""A folder without a Dockerfile gets one for its language, which the builder's own rules allow."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from chain.errors import InvalidInput
from chain.manifest import BuildSpec, Manifest
from chain.recipes.recognise import DEFAULT_BASES, dockerfile_of


def folder_of(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / name.replace("__", "-").replace("_", ".")).write_text(text)
    return path


@pytest.mark.parametrize(
    ("files", "language", "expected"),
    [
        ({"main_py": ""}, "python", 'CMD ["python3", "main.py"]'),
        ({"main_py": "", "requirements_txt": ""}, "python", "-r requirements.txt"),
        ({"app_py": "", "pyproject_toml": "", "uv_lock": ""}, "python", "uv sync --frozen"),
        ({"app_py": "", "pyproject_toml": "[build-system]"}, "python", "--no-cache-dir ."),
        ({"server_js": ""}, "node", 'CMD ["node", "server.js"]'),
        ({"package_json": '{"main": "x.js"}'}, "node", 'CMD ["node", "x.js"]'),
        (
            {"package_json": '{"scripts": {"start": "x"}, "dependencies": {"a": "1"}}',
             "package__lock_json": "{}"},
            "node",
            "RUN npm ci --omit=dev",
        ),
        (
            {"package_json": '{"scripts": {"start": "x", "build": "y"}}', "yarn_lock": ""},
            "node",
            "RUN npm run build",
        ),
        ({"go_mod": "module x", "go_sum": ""}, "go", "COPY go.mod go.sum /src/"),
        ({"index_html": "hi"}, "static", '"/site"]'),
    ],
)  # fmt: skip
def test_the_language_is_recognised(
    tmp_path: Path, files: dict[str, str], language: str, expected: str
) -> None:
    text, kind = dockerfile_of(folder_of(tmp_path, **files), Manifest())
    assert kind == language
    assert expected in text
    assert "USER 10001:10001" in text
    assert text.startswith(f"FROM {DEFAULT_BASES[language]}")


def test_what_is_installed_is_a_layer_before_the_code(tmp_path: Path) -> None:
    text, _ = dockerfile_of(folder_of(tmp_path, main_py="", requirements_txt=""), Manifest())
    assert text.index("pip install") < text.index("COPY . /app")


def test_a_program_that_is_built_already_is_run_as_it_is(tmp_path: Path) -> None:
    shutil.copy(sys.executable, tmp_path / "program")
    text, kind = dockerfile_of(tmp_path, Manifest())
    assert kind == "binary"
    assert text.startswith(f"FROM {DEFAULT_BASES['binary']}")
    assert 'CMD ["/app/program"]' in text
    (tmp_path / "program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(200))  # asks for no linker
    text, _ = dockerfile_of(tmp_path, Manifest())
    assert text.startswith("FROM scratch")


def test_a_dockerfile_of_its_own_is_used_unless_another_way_is_named(tmp_path: Path) -> None:
    folder_of(tmp_path, Dockerfile="FROM busybox\n", main_py="")
    assert dockerfile_of(tmp_path, Manifest()) == ("FROM busybox\n", "own")
    by_language = Manifest(build=BuildSpec(language="python"))
    assert dockerfile_of(tmp_path, by_language)[1] == "python"
    by_image = Manifest(build=BuildSpec(image="redis:7"))
    assert dockerfile_of(tmp_path, by_image) == ("FROM redis:7\n", "image")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("FROM scratch\n")
    elsewhere = Manifest(build=BuildSpec(dockerfile="docker/Dockerfile"))
    assert dockerfile_of(tmp_path, elsewhere)[0] == "FROM scratch\n"


def test_other_base_images_may_be_named(tmp_path: Path) -> None:
    pinned = "python:3.12-slim@sha256:" + "a" * 64
    text, _ = dockerfile_of(folder_of(tmp_path, main_py=""), Manifest(), {"python": pinned})
    assert text.startswith(f"FROM {pinned}\n")


@pytest.mark.parametrize(
    ("files", "manifest", "named"),
    [
        ({"notes_txt": ""}, Manifest(), "Add a Dockerfile"),
        ({"index_html": ""}, Manifest(build=BuildSpec(language="go")), "nothing here is of it"),
        ({"a_txt": ""}, Manifest(build=BuildSpec(dockerfile="X")), "There is no X"),
        ({"package_json": "[1]"}, Manifest(), "not a JSON object"),
        ({"package_json": "{}"}, Manifest(), "no start script"),
        ({"job_py": ""}, Manifest(), "its manifest names no command"),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_to_do(
    tmp_path: Path, files: dict[str, str], manifest: Manifest, named: str
) -> None:
    with pytest.raises(InvalidInput) as told:
        dockerfile_of(folder_of(tmp_path, **files), manifest)
    assert named in f"{told.value.message} {told.value.fix}"
