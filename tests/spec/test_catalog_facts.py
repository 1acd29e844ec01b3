from pathlib import Path

from tests.spec.support import SHARED, manifest, read, recording, write


def test_a_catalog_knows_its_sets_and_how_much_there_was(tmp_path: Path) -> None:
    rows = "generators: [{file: rows.csv}]\nrecording: {metadata: {name: '${n}'}, spec: {}}"
    sets = [manifest("RecordingSet", name, rows) for name in ("one", "two")]
    files: dict[str, str | bytes] = {
        "a/a.yaml": f"{SHARED}---\n{sets[0]}",
        "a/rows.csv": "n\nx\n",
        "b/b.yaml": f"{recording('a')}---\n{sets[1]}",
        "b/rows.csv": "n\n",
        "c.yaml": "# nothing\n",
    }
    found = read(write(tmp_path, files))
    names = {(Path(file).name, number): name for (file, number), name in found.sets.items()}
    assert names == {("a.yaml", 2): "one", ("b.yaml", 1): "two"}
    assert found.empty_sets == ("two",)  # of the other one there is a recording, with errors
    assert (found.manifests, found.complete) == (5, True)


def test_a_set_that_could_not_be_read_is_not_known_to_be_empty(tmp_path: Path) -> None:
    broken = "generators: [{file: rows.csv}]\nrecording: {metadata: {name: '${n}'}, spec: {}}"
    text = manifest("RecordingSet", "one", broken)
    found = read(write(tmp_path, {"a.yaml": text, "b.yaml": "a: ["}))
    assert (found.empty_sets, found.complete, found.manifests) == ((), False, 2)


def test_a_folder_with_nothing_in_it_has_no_manifests(tmp_path: Path) -> None:
    assert read(write(tmp_path, {"a.yaml": "# nothing\n---\n"})).manifests == 0
    assert read(tmp_path / "nowhere").manifests == 0
