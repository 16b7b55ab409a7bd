import json

import pytest
from made_up import record

from fastres import paths
from fastres.errors import RecordError
from fastres.records import store
from fastres.records.activations import ActivationRecord, load_activations
from fastres.records.benchmarks import BenchmarkRecord, load_benchmarks
from fastres.records.runs import RunRecord, load_run, load_runs, save_run
from fastres.records.timings import TimingRecord, load_timings

KINDS = {
    RunRecord: load_runs,
    ActivationRecord: load_activations,
    TimingRecord: load_timings,
    BenchmarkRecord: load_benchmarks,
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.KIND)
def test_every_committed_record_is_read_whole(kind):
    """Nothing of a recorded file is lost or changed when it is read, and its id is still its folder's or file's."""
    folders = {TimingRecord: paths.RECORDED_TIMINGS, BenchmarkRecord: paths.RECORDED_BENCHMARKS}
    folder = folders.get(kind, paths.RECORDED)
    files = sorted(folder.glob(kind.FILES))
    assert files
    for path in files:
        written = json.loads(path.read_text(encoding="utf-8"))
        written.pop("checksum", None)
        loaded = store.load(kind, path)
        dumped = json.loads(loaded.model_dump_json())
        config = dumped.pop("config", {})
        assert {name: dumped.get(name) for name in written if name != "config"} == {
            name: value for name, value in written.items() if name != "config"
        }
        assert {name: config[name] for name in written.get("config", {})} == written.get("config", {})
        name = path.stem if kind in folders else path.parent.name
        assert name.startswith(loaded.timing_id if kind in folders else loaded.run_id)
    assert len(KINDS[kind](folder)) == len(files)


def test_a_record_that_another_program_wrote_again_is_named_so(tmp_path):
    path = save_run(record((30.0, 20.5)), tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    with pytest.raises(RecordError, match="not as it was written: another layout"):
        store.load(RunRecord, path)


def test_any_changed_bit_is_noticed(tmp_path):
    path = save_run(record((30.0, 20.5)), tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole) - 2, 7):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(RecordError, match=r"record\.json"):
            load_run(path)
    path.write_bytes(whole)
    assert load_run(path) == record((30.0, 20.5))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"config": {}}', b"null"])
def test_what_is_no_record_is_named(tmp_path, content):
    path = save_run(record(), tmp_path)
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"record\.json: not a run record"):
        load_runs(tmp_path)


def test_a_field_of_a_newer_version_is_named(tmp_path):
    path = save_run(record(), tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["checksum"]
    path.write_text(json.dumps({**content, "colour": "blue"}, indent=1), encoding="utf-8")
    with pytest.raises(RecordError, match="colour: Extra inputs"):
        load_run(path)


def test_a_folder_in_the_place_of_a_record_is_named(tmp_path):
    (tmp_path / "run" / "record.json").mkdir(parents=True)
    with pytest.raises(RecordError, match="not a run record"):
        load_runs(tmp_path)
