"""What was measured on a machine changes what is estimated for it, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from knowledge.measured_here import FILE, FOLDER, MeasuredRun, keep_run
from tests.tools.asking import machine as named
from tests.tools.asking import model
from tests.tools.calibration.simulated import DAY, LLAMA, QWEN, detected, estimate, run
from tools.calibrated import calibrated, summary
from tools.calibration.reading import calibration_of
from tools.calibration.types import Here
from tools.fit_model import FitWish, fit_model
from tools.hardware_types import Machine
from tools.speed import estimate_speed

OTHERS = (
    ("Qwen/Qwen3-0.6B", "Q8_0", 1.0),
    ("Qwen/Qwen3-4B", "Q4_K_M", 1.0),
    (QWEN, "Q6_K", 1.0),
    ("Qwen/Qwen3-14B", "Q4_K_M", 1.0),
    ("google/gemma-3-12b-it", "Q4_K_M", 1.0),
    ("openai/gpt-oss-20b", "MXFP4", 1.0),
    ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "Q4_K_M", 0.5),
    ("Qwen/Qwen3-32B", "Q4_K_M", 0.5),
)
"""Dense and mixture-of-experts models, of several sizes and formats, whole on the card and not."""
HERE = detected()


def kept(*runs: MeasuredRun, machine: Machine = HERE) -> Machine:
    """The machine after some runs were kept."""
    for one in runs:
        keep_run(one)
    return calibrated(machine)


def here_of(machine: Machine, name: str, quant: str = "Q4_K_M", engine: str = "ollama") -> Here | None:
    found = estimate_speed(model(name), quant, machine, engine=engine)
    assert found is not None
    assert (found.here is None) == (found.estimate is None)
    return found.here


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("factor", [2.0, 0.5])
@pytest.mark.parametrize("text", ["RTX 3060 12GB, 64 GB RAM", "M3 Max 64GB", "2x RTX 3090 + 64 GB RAM"])
def test_one_run_moves_all_other_models_toward_the_truth(text: str, factor: float) -> None:
    machine = detected(text)
    after = kept(run(machine, factor=factor), machine=machine)
    for name, quant, share in OTHERS:
        before, now = (estimate(each, name, quant, gpu_share=share) for each in (machine, after))
        truth = factor * before
        assert abs(now - truth) < 0.75 * abs(before - truth), name


@pytest.mark.usefixtures("state")
def test_models_that_differ_from_each_other_are_nearer_too() -> None:
    """With true factors of 1.7 to 2.3 an estimate may overshoot, and is nearer than before."""
    after = kept(run(HERE), run(HERE, "Qwen/Qwen3-14B", 1.9))
    for (name, quant, share), factor in zip(OTHERS, cycle((1.7, 2.3)), strict=False):
        before, now = (estimate(each, name, quant, gpu_share=share) for each in (HERE, after))
        truth = factor * before
        assert abs(now - truth) < 0.6 * abs(before - truth), name


@pytest.mark.usefixtures("state")
def test_without_a_run_nothing_changes_and_nothing_is_detected() -> None:
    def never() -> Machine:
        raise AssertionError("detected")

    assert calibrated(HERE) is HERE
    typed = named("RTX 3060 12GB")
    assert calibrated(typed, never) is typed
    speed: dict[str, Any] = fit_model(model(QWEN), HERE, FitWish()).as_json()["speed"]
    assert not {"estimate", "measured", "calibration", "note", "prompt_note"} & set(speed)
    assert summary(HERE).runs == 0


@pytest.mark.usefixtures("state")
def test_the_model_that_was_measured_is_shown_as_measured_beside_its_estimate() -> None:
    after = kept(run(HERE, lengths=(2048,)))
    context = 2 * (2048 + 64)
    alone = estimate(HERE, LLAMA, context=context)
    found = estimate_speed(model(LLAMA), "Q4_K_M", after, engine="ollama", context=context)
    assert found is not None
    assert found.here is not None
    assert found.estimate is not None
    assert found.mid == pytest.approx(2 * alone)
    assert found.high / found.low < 1.1
    assert found.estimate.mid == pytest.approx(alone)
    assert found.here.basis == "measured"
    assert found.basis.startswith(f"measured here on 2026-11-20: {2 * alone:.0f} tokens/s")
    assert f"the estimate alone is {alone:.1f} tokens/s" in found.basis
    assert found.evidence[0].kind == "measurement"


@pytest.mark.usefixtures("state")
def test_other_formats_and_contexts_of_it_follow_the_ratio_of_the_estimates() -> None:
    after = kept(run(HERE))
    for quant, context in (("Q8_0", 4096), ("Q4_K_M", 65536), ("Q3_K_M", 2048)):
        before = estimate(HERE, LLAMA, quant, context=context)
        assert estimate(after, LLAMA, quant, context=context) == pytest.approx(2 * before)
        here = estimate_speed(model(LLAMA), quant, after, engine="ollama", context=context)
        assert here is not None
        assert here.here is not None
        assert here.here.basis == "scaled"
    document = fit_model(model(LLAMA), HERE, FitWish(quant="Q8_0", engine="ollama")).as_json()["speed"]
    assert document["measured"]["exact"] is False
    assert "as Q4_K_M at " in document["note"]


@pytest.mark.usefixtures("state")
def test_other_kernels_are_not_touched_and_the_same_kernels_say_so() -> None:
    after = kept(run(HERE))
    for engine in ("vllm", "sglang", "transformers", "mlx"):
        assert estimate(after, QWEN, "AWQ", engine) == estimate(HERE, QWEN, "AWQ", engine)
        assert here_of(after, QWEN, "AWQ", engine) is None
    before, own, other = (
        estimate(HERE, QWEN),
        estimate(after, QWEN),
        estimate(after, QWEN, engine="llama.cpp"),
    )
    assert before < other < own
    here = here_of(after, QWEN, engine="llama.cpp")
    assert here is not None
    assert here.across
    document = fit_model(model(QWEN), HERE, FitWish(engine="llama.cpp")).as_json()["speed"]
    assert "ollama" in document["note"]
    assert "another engine" in document["note"]
    assert "another engine" in document["basis"]
    assert document["calibration"]["across_engines"] is True


@pytest.mark.usefixtures("state")
def test_two_engines_keep_their_own_factors() -> None:
    after = kept(run(HERE, factor=2.0), run(HERE, factor=0.6, engine="vllm", quant="AWQ"))
    assert estimate(after, QWEN) > 1.5 * estimate(HERE, QWEN)
    assert estimate(after, QWEN, "AWQ", "vllm") < 0.8 * estimate(HERE, QWEN, "AWQ", "vllm")
    found = summary(HERE)
    factors = {one.engine: one.factor for one in found.engines}
    assert factors == {"ollama": pytest.approx(2.0), "vllm": pytest.approx(0.6)}
    assert (found.runs, found.usable, found.newest) == (2, 2, "2026-11-20")


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    "change",
    [
        {"local": False},
        {"machine": "1 x RTX 4090 24.0 GiB; 64 GiB RAM"},
        {"engine": "unknown"},
        {"model_id": None},
        {"model_id": "nobody/knows-it"},
        {"quant": None},
        {"points": ()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_runs_that_say_nothing_of_this_machine_do_not_count(change: dict[str, Any]) -> None:
    after = kept(run(HERE).model_copy(update=change))
    assert after.calibration is None
    assert estimate(after, QWEN) == estimate(HERE, QWEN)
    assert summary(HERE).runs == 1


@pytest.mark.usefixtures("state")
def test_the_newest_run_of_a_configuration_counts_alone() -> None:
    old, new = run(HERE, factor=3.0, day="2026-01-01T00:00:00+00:00"), run(HERE, factor=1.5)
    after = kept(new, old)
    assert estimate(after, LLAMA) == pytest.approx(1.5 * estimate(HERE, LLAMA))
    assert estimate(after, QWEN) < 1.5 * estimate(HERE, QWEN)
    assert summary(HERE).runs == 2


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("change", [{"day": "2020-11-20T10:00:00+00:00"}, {"version": "0.5"}])
def test_an_old_run_counts_less_for_others_than_a_new_one(change: dict[str, str]) -> None:
    """Years of drivers, or another version of the engine, lie between it and the newest run."""
    newest = run(HERE, "Qwen/Qwen3-14B", 1.0)
    both = estimate(kept(newest, run(HERE)), QWEN)
    old = run(HERE, day=change.get("day", DAY)).model_copy(update={"engine_version": change.get("version")})
    runs = calibration_of([old, newest], HERE)
    faded = estimate(replace(HERE, calibration=runs), QWEN)
    assert estimate(HERE, QWEN) < faded < both


@pytest.mark.usefixtures("state")
def test_contradictory_models_widen_the_interval_and_it_is_said() -> None:
    agree = kept(run(HERE), run(HERE, "Qwen/Qwen3-14B", 2.0))
    one = estimate_speed(model(QWEN), "Q4_K_M", agree, engine="ollama")
    day = "2026-11-21T10:00:00+00:00"
    contradict = kept(run(HERE, "Qwen/Qwen3-14B", 0.6, day=day))
    other = estimate_speed(model(QWEN), "Q4_K_M", contradict, engine="ollama")
    assert one is not None
    assert other is not None
    assert other.high / other.low > 1.4 * one.high / one.low
    assert other.here is not None
    assert other.here.disagree
    assert "do not agree" in other.basis
    document = fit_model(model(QWEN), HERE, FitWish(engine="ollama", quant="Q4_K_M")).as_json()
    assert any("settles it" in text for text in document["caveats"])


@pytest.mark.usefixtures("state")
def test_what_an_interrupted_run_reached_counts_and_an_older_one_fills_the_rest() -> None:
    whole = run(HERE, factor=2.0, day="2026-11-19T10:00:00+00:00")
    broken = run(HERE, factor=2.5, lengths=(512,)).model_copy(update={"complete": False})
    after = kept(whole, broken)
    short, long = 2 * (512 + 64), 2 * (8192 + 64)
    assert estimate(after, LLAMA, context=short) == pytest.approx(2.5 * estimate(HERE, LLAMA, context=short))
    assert estimate(after, LLAMA, context=long) == pytest.approx(2.0 * estimate(HERE, LLAMA, context=long))


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("factor", [8.0, 0.1])
def test_a_wild_run_is_a_caveat_and_hardly_counts_for_others(factor: float) -> None:
    after = kept(run(HERE, factor=factor))
    moved = estimate(after, QWEN) / estimate(HERE, QWEN)
    assert 0.8 < moved < 1.25
    others = fit_model(model(QWEN), HERE, FitWish(engine="ollama")).as_json()
    assert any("hardly counts" in text for text in others["caveats"])
    own = fit_model(model(LLAMA), HERE, FitWish(engine="ollama", quant="Q4_K_M")).as_json()
    assert any("measure again" in text for text in own["caveats"])
    assert own["speed"]["measured"] is not None


@pytest.mark.usefixtures("state")
def test_a_run_that_is_saved_in_between_changes_the_next_answer() -> None:
    wish = FitWish(engine="ollama", quant="Q4_K_M")

    def mid() -> float:
        return float(fit_model(model(QWEN), HERE, wish).as_json()["speed"]["tokens_per_second"]["mid"])

    before = mid()
    kept(run(HERE))
    after = mid()
    kept(run(HERE, "Qwen/Qwen3-14B"))
    assert before < after < mid() < 2.05 * before


@pytest.mark.usefixtures("state")
def test_a_machine_that_is_named_with_the_same_accelerators_is_this_one() -> None:
    kept(run(HERE), run(HERE, QWEN, 1.3, gpu_share=0.5))
    typed = calibrated(named("RTX 3060 12GB"), lambda: HERE)
    assert typed.calibration is not None
    assert typed.calibration.same_accelerators
    assert {row.subject.placement for row in typed.calibration.observations} == {"device"}
    assert estimate(typed, LLAMA) == pytest.approx(2 * estimate(HERE, LLAMA))
    found = estimate_speed(model(QWEN), "Q4_K_M", typed, engine="ollama")
    assert found is not None
    assert "this machine has the accelerators that were named" in found.basis
    for other in ("RTX 3090", "2x RTX 3060 12GB", "64 GB RAM, no GPU"):
        assert calibrated(named(other), lambda: HERE).calibration is None


@pytest.mark.usefixtures("state")
def test_other_hardware_derived_from_this_machine_is_not_corrected() -> None:
    after = kept(run(HERE))
    larger = tuple(replace(one, memory_bytes=2 * one.memory_bytes) for one in HERE.devices)
    for other in (replace(after, devices=larger), replace(after, rented=True), replace(after, nodes=2)):
        assert estimate(other, QWEN) == estimate(replace(other, calibration=None), QWEN)


@pytest.mark.usefixtures("state")
def test_several_conversations_follow_what_was_measured_of_them() -> None:
    single = run(HERE, factor=2.0)
    many = run(HERE, factor=1.2, parallel=(8,))
    after = kept(single.model_copy(update={"points": single.points + many.points}))
    ratios = {
        count: estimate(after, LLAMA, parallel=count) / estimate(HERE, LLAMA, parallel=count)
        for count in (1, 4, 8, 64)
    }
    assert ratios[1] == pytest.approx(2.0)
    assert ratios[8] == pytest.approx(1.2)
    assert ratios[64] == pytest.approx(1.2)
    assert 1.2 < ratios[4] < 2.0


@pytest.mark.usefixtures("state")
def test_requests_that_stood_in_a_queue_say_nothing_of_many_at_once() -> None:
    queued = run(HERE, factor=2.0, parallel=(1, 8))
    points = tuple(
        point.model_copy(update={"total_tps": point.generation_tps}) if point.parallel == 8 else point
        for point in queued.points
    )
    after = kept(queued.model_copy(update={"points": points}))
    assert after.calibration is not None
    assert {row.subject.parallel for row in after.calibration.observations} == {1}


@pytest.mark.usefixtures("state")
def test_prompts_have_a_factor_of_their_own() -> None:
    kept(run(HERE, factor=2.0, prompt_factor=0.5))
    wish = FitWish(engine="ollama", quant="Q4_K_M", prompt_tokens=2048)
    own = fit_model(model(LLAMA), HERE, wish).as_json()["speed"]
    alone = own["prompt_estimate"]["tokens_per_second"]["mid"]
    assert own["prompt_tokens_per_second"]["mid"] == pytest.approx(0.5 * alone, rel=0.01)
    assert own["prompt_note"].startswith("measured here on 2026-11-20")
    other = fit_model(model(QWEN), HERE, wish).as_json()["speed"]
    alone = other["prompt_estimate"]["tokens_per_second"]["mid"]
    assert 0.5 * alone < other["prompt_tokens_per_second"]["mid"] < 0.7 * alone
    assert other["prompt_measured"] is None


@pytest.mark.usefixtures("state")
def test_a_damaged_file_changes_nothing(state: Path) -> None:
    kept(run(HERE))
    (state / FOLDER / FILE).write_text('{"format": 1, "runs": [{', encoding="utf-8")
    assert calibrated(HERE) is HERE
