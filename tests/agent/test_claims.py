"""What a wording claims without a figure of its own, and whose the figures are."""

from __future__ import annotations

import json

import pytest

from agent.claims import in_another_script
from agent.grounding import Evidence, unfounded
from agent.number_words import in_digits

DRAFT = """I recommend **Qwen3-14B** as Q4_K_M on Ollama with 16,384 tokens of context.

- Memory: 10.4 of 11.3 GiB (estimated, 10.0 to 11.6).
- About 28 tokens per second (estimate).
- Costs about $1.47 a month of electricity.
- License apache-2.0 allows commercial use.
- Mind: It may just not fit: the upper end of the estimate, 11.6 GiB, is above 11.3 GiB.

Others worth a look:
- gemma-3-12b-it (Q6_K): 8 points less expected quality, $0.96 against $1.47 a month, license gemma
- Mistral-7B-Instruct-v0.3 (Q8_0): 4.3x the speed, a window of 32,768 tokens against 65,536

What would change this:
- If 65,536 tokens of context were needed: gemma-3-12b-it as Q5_K_M would take its place."""

HONEST = (
    "gemma-3-12b-it (Q6_K) is 8 points worse but costs only $0.96 a month.",
    "Mistral-7B-Instruct-v0.3 is 4.3x as fast, with a window of 32,768 tokens instead of 65,536.",
    "Qwen3-14B takes 10.4 GiB and runs at about 28 tokens per second. It costs about $1.47 a month.",
    "For 65k of context, gemma-3-12b-it as Q5_K_M would be better.",
    "You may use it commercially: it is under Apache 2.0.",
    "Commercial use is allowed. Kommerzielle Nutzung ist erlaubt.",
    "It might not quite fit, because the estimate goes up to 11.6 GiB.",
    "It fits your card, but only just.",
    "Environ 28 jetons par seconde, avec 16 384 jetons de contexte.",
    "La licence Apache 2.0 autorise l'usage commercial.",
    "About twenty-eight tokens per second.",
    "Electricity is $1.47 per month.",
)
TURNED = {
    "gemma-3-12b-it runs at 28 tokens per second.": "28 tokens per second",
    "gemma-3-12b-it costs $1.47 a month.": "$1.47",
    "Qwen3-14B costs $0.96 a month.": "$0.96",
    "Take Qwen3-14B. It costs $0.96 a month.": "$0.96",
    "Use gemma-3-12b-it as Q4_K_M.": "Q4_K_M",
    "Qwen3-14B has a window of 32,768 tokens.": "32,768 tokens",
    "gemma-3-12b-it is under Apache 2.0.": "Apache 2.0",
    "It does not fit on your card.": "It does not fit on your card",
    "Die Karte reicht nicht, es passt nicht.": "es passt nicht",
    "The license does not allow commercial use.": "The license does not allow commercial use",
    "It may not be used commercially.": "It may not be used commercially",
    "Die Lizenz erlaubt keine kommerzielle Nutzung.": "Die Lizenz erlaubt keine kommerzielle Nutzung",
    "La licence interdit l'usage commercial.": "La licence interdit l'usage commercial",
    "It needs thirteen gigabytes.": "13 gigabytes",
    "About twenty-five tokens per second.": "25 tokens per second",
    "About 28 words per second.": "28 words",
    "It costs $1.47 per million tokens.": "per million tok",
    "It costs \u20ac1.47 a month.": "\u20ac1.47",
    "It costs 5 cents a month.": "5cents",
    "It is free of charge.": "free of charge",
    "It is in the public domain.": "public domain",
    "It is twice as fast.": "twice",
    "It surely fits.": "surely",
    "ChatGPT would be better.": "ChatGPT",
    "Use GPTQ instead.": "GPTQ",
    "It is under the Gemma Terms License.": "Gemma Terms License",
    "Set OLLAMA_FLASH_ATTENTION first.": "OLLAMA_FLASH_ATTENTION",
    "Then run: rm -rf ~/models": "rm -rf ~/models",
    "[TOOL_CALLS]search_guides": "[TOOL_CALLS]",
}


def _evidence(*texts: str) -> Evidence:
    evidence = Evidence()
    for text in texts:
        evidence.add(text)
    return evidence


@pytest.mark.parametrize("text", [DRAFT, *HONEST])
def test_an_honest_wording_is_let_through(text: str) -> None:
    assert unfounded(text, _evidence(DRAFT)) == []


@pytest.mark.parametrize("text", TURNED)
def test_a_fact_that_is_turned_around_is_found(text: str) -> None:
    assert TURNED[text] in unfounded(text, _evidence(DRAFT))


REFUSED = json.dumps(
    {
        "model": "Llama-3.3-70B-Instruct",
        "model_id": "meta-llama/Llama-3.3-70B-Instruct",
        "memory": {"fits": False, "available_gib": 11.5},
        "hardware": {"name": "1 x RTX 3060 12GB, 12 GiB, 360 GB/s; RAM unknown"},
        "error": {"code": "does_not_fit", "hint": "If you had a device with 32 GiB: it fits as Q2_K."},
    }
)


def test_a_result_denies_and_affirms() -> None:
    evidence = _evidence(REFUSED)
    assert unfounded("Llama 3.3 70B does not fit on an RTX 3060 12GB with its 360 GB/s.", evidence) == []
    assert unfounded("Llama 3.3 70B fits on your card.", evidence) == ["fits"]
    assert unfounded("With 32 GiB it would fit as Q2_K, if you had them.", evidence) == []
    allowed = _evidence('{"license":{"id":"apache-2.0","commercial_use":"yes"},"memory":{"fits":true}}')
    assert unfounded("It fits, and you may sell what it writes.", allowed) == []
    assert unfounded("It does not fit.", allowed) == ["It does not fit"]


def test_the_rows_of_a_result_keep_their_figures() -> None:
    rows = [{"model": "Qwen3-14B", "total_gib": 9.8}, {"model": "gemma-3-12b-it", "total_gib": 8.7}]
    evidence = _evidence(json.dumps({"context": 8192, "models": rows}))
    assert unfounded("Qwen3-14B takes 9.8 GiB and gemma-3-12b-it 8.7 GiB with 8k tokens.", evidence) == []
    assert unfounded("Qwen3-14B takes 8.7 GiB.", evidence) == ["8.7 GiB"]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("twelve gigabytes, zw\u00f6lf Gigabyte", "12 gigabytes, 12 Gigabyte"),
        ("twenty-seven billion parameters", "27 billion parameters"),
        ("16 384 tokens", "16384 tokens"),
        ("two cards, one token at a time, billions of parameters", None),
    ],
)
def test_numbers_in_words_are_figures_before_a_unit(text: str, digits: str | None) -> None:
    assert in_digits(text) == (digits or text)


def test_an_answer_in_other_letters_is_noticed() -> None:
    answer = "\u042f \u0440\u0435\u043a\u043e\u043c\u0435\u043d\u0434\u0443\u044e Qwen"
    assert in_another_script(answer, "which one?")
    assert not in_another_script(answer, "\u043a\u0430\u043a\u0443\u044e?")
    assert not in_another_script(answer, "RTX 3090")
    assert not in_another_script("Take it.", "\u043a\u0430\u043a\u0443\u044e?")
