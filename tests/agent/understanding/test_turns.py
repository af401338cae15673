"""Messages in their place in a conversation: answers, corrections, conflicts, questions, critiques."""

from __future__ import annotations

import pytest

from agent.understanding import Asked, LastAnswer, understand
from tools.needs import Needs

LAST = LastAnswer(("Qwen/Qwen3-14B", "google/gemma-3-12b-it"))


def after(*messages: str) -> Needs:
    needs = Needs()
    for message in messages:
        needs = needs.updated(**understand(message, needs).updates)
    return needs


class TestAnswers:
    @pytest.mark.parametrize("text", ["2", "option 2", "the second", "second one", "#2", "32k", "2."])
    def test_option_by_number_or_words(self, text: str) -> None:
        got = understand(text, Needs(), asked=Asked("context", ("8k", "32k", "128k")))
        assert got.intent == "answer"
        assert got.updates["context"].value == 32_768
        assert got.updates["context"].quote == text

    def test_bare_number_is_a_value_where_it_can_be_one(self) -> None:
        got = understand("2", Needs(), asked=Asked("concurrency", ("just me", "2 to 5", "more")))
        assert got.updates["concurrency"].value == 2

    @pytest.mark.parametrize("text", ["32k context please", "for 5 people, 32k context", "32k ctx"])
    def test_a_context_is_no_number_of_people(self, text: str) -> None:
        got = understand(text, Needs(), asked=Asked("concurrency", ("just me", "a few people", "many")))
        assert got.updates["context"].value == 32_768
        assert "concurrency" not in got.updates or got.updates["concurrency"].value == 5

    def test_yes_takes_the_option_that_says_so(self) -> None:
        got = understand("yes", Needs(), asked=Asked("training", ("No, use it as it is", "Yes, with LoRA")))
        assert got.updates["training"].value.method == "lora"

    def test_yes_and_no_without_options(self) -> None:
        assert understand("yes", Needs(), asked=Asked("training")).updates["training"].value.method == "any"
        assert understand("nope", Needs(), asked=Asked("training")).updates["training"].value.method == "none"

    def test_unit_beats_question(self) -> None:
        got = understand("20 tok/s", Needs(), asked=Asked("context"))
        assert got.updates["min_speed"].value == 20
        assert "context" not in got.updates

    @pytest.mark.parametrize("slot", ["hardware", "context", "license", "priority", "volume"])
    def test_no_preference_updates_nothing(self, slot: str) -> None:
        got = understand("No preference, you decide.", Needs(), asked=Asked(slot, ("a", "b")))
        assert got.intent == "no_preference"
        assert got.updates == {}

    def test_preference_behind_indifference_counts(self) -> None:
        got = understand("whatever, maybe 8k", Needs(), asked=Asked("context"))
        assert got.updates["context"].value == 8_192

    def test_incidental_words_do_not_change_the_task(self) -> None:
        needs = after("a coding assistant")
        got = understand("about 2000 conversations", needs, asked=Asked("dataset"))
        assert "task" not in got.updates

    def test_unreadable_task_is_taken_as_chat_and_said(self) -> None:
        got = understand("zorble the frumious", Needs(), asked=Asked("task"))
        assert got.updates["task"].value.name == "chat"
        assert got.updates["task"].strength == "wish"
        assert got.notes


class TestCorrections:
    def test_size_is_put_into_the_hardware_said_before(self) -> None:
        needs = after("RTX A6000 24GB for coding")
        got = understand("no, 48 GB", needs)
        assert got.intent == "change"
        assert got.updates["hardware"].value.text == "RTX A6000 48 GB"

    def test_memory_completes_the_machine(self) -> None:
        got = understand("I have 64 GB of RAM", after("chat on an RTX 3090"))
        assert got.updates["hardware"].value.text == "an RTX 3090, 64 GB of RAM"

    def test_same_message_later_words_win(self) -> None:
        got = understand("an 8k, no wait, 32k context", Needs())
        assert got.updates["context"].value == 32_768
        assert got.conflicts == ()

    def test_more_exact_training_stays(self) -> None:
        needs = after("fine-tune with QLoRA")
        assert "training" not in understand("we train on Fridays", needs).updates

    def test_structured_values_are_completed(self) -> None:
        needs = after("commercial use")
        got = understand("and it must be Apache-2.0 licensed", needs)
        assert got.updates["license"].value.use == "commercial"
        assert got.updates["license"].value.permissive_only is True

    def test_start_over_clears_everything(self) -> None:
        got = understand("start over", after("coding, one RTX 4090, commercial"))
        assert set(got.cleared) == {"task", "hardware", "license"}


class TestConflicts:
    def test_offline_and_api(self) -> None:
        got = understand("It must run offline through the OpenAI API", Needs())
        assert [(c.slot, c.first, c.second) for c in got.conflicts] == [("deployment", "local", "api")]

    def test_either_settles_it(self) -> None:
        assert understand("local or API, both fine", Needs()).conflicts == ()

    def test_two_contexts(self) -> None:
        got = understand("16k tokens context. 64k tokens context.", Needs())
        assert [c.slot for c in got.conflicts] == ["context"]

    def test_against_an_earlier_message(self) -> None:
        got = understand("it is for commercial use", after("personal use"))
        assert [(c.slot, c.first, c.second, c.earlier) for c in got.conflicts] == [
            ("license", "personal", "commercial", True)
        ]

    def test_a_correction_is_no_conflict(self) -> None:
        assert understand("I meant commercial", after("personal use")).conflicts == ()


class TestQuestions:
    def test_question_beside_needs(self) -> None:
        got = understand("I have an RTX 4090. What is a KV cache?", Needs())
        assert got.updates["hardware"].value.text == "an RTX 4090"
        assert got.question == "What is a KV cache?"

    def test_question_for_a_model_states_needs(self) -> None:
        got = understand("Which model should I use for coding on a 4090?", Needs())
        assert got.updates["task"].value.name == "code"
        assert got.question is None

    def test_what_if_supposes_and_keeps_nothing(self) -> None:
        got = understand("what if I had two RTX 5090?", after("coding on a 3090"), last=LAST)
        assert got.intent == "what_if"
        assert got.updates == {}
        assert got.hypothetical["hardware"].value.text == "two RTX 5090"

    @pytest.mark.parametrize(
        "said",
        ["what if we only had one card?", "what if I had just one of them?", "what if we had a single gpu"],
    )
    def test_one_card_of_several(self, said: str) -> None:
        got = understand(said, after("chat on 2x RTX 3090, 64 GB RAM"), last=LAST)
        assert got.hypothetical["hardware"].value.text == "1x RTX 3090, 64 GB RAM"

    @pytest.mark.parametrize("said", ["Just me, a few files at a time", "only me, two documents at once"])
    def test_files_at_a_time_are_no_people(self, said: str) -> None:
        assert understand(said, Needs()).updates["concurrency"].value == 1

    @pytest.mark.parametrize(
        ("before", "supposed"),
        [
            ("chat on my 16 GB MacBook Air", "my 32 GB MacBook Air"),
            ("chat on a Mac Studio M4 Max 64GB", "Mac Studio M4 Max 32 GB"),
            ("chat on an RTX 3060 12GB", "32 GB VRAM"),
        ],
    )
    def test_a_supposed_size_is_of_the_memory_that_the_machine_has(self, before: str, supposed: str) -> None:
        got = understand("what if I had 32 GB?", after(before), last=LAST)
        assert supposed in got.hypothetical["hardware"].value.text

    def test_place_in_the_answer(self) -> None:
        got = understand("is the second one allowed for commercial use?", Needs(), last=LAST)
        assert got.intent == "ask"
        assert got.mentions.ranks == (2,)
        assert got.mentions.models == ("google/gemma-3-12b-it",)
        assert got.updates == {}

    def test_named_model_in_a_question(self) -> None:
        got = understand("why not Llama 3.1 70B?", Needs(), last=LAST)
        assert got.mentions.models == ("meta-llama/Llama-3.1-70B-Instruct",)
        assert got.updates == {}

    def test_size_in_a_question(self) -> None:
        assert understand("why not 70B?", Needs(), last=LAST).mentions.sizes_b == (70,)

    def test_critique_with_a_number(self) -> None:
        got = understand("faster please, at least 30 tok/s", after("chat"), last=LAST)
        assert got.critique == "faster"
        assert got.updates["min_speed"].value == 30


class TestStrengthAndTypos:
    def test_softened_words_are_wishes(self) -> None:
        assert understand("ideally 32k context", Needs()).updates["context"].strength == "wish"
        assert understand("32k context", Needs()).updates["context"].strength == "must"

    @pytest.mark.parametrize(
        ("text", "slot"),
        [("comercial use", "license"), ("sumarize reports", "task"), ("qualty first", "priority")],
    )
    def test_typing_errors_in_key_words(self, text: str, slot: str) -> None:
        assert slot in understand(text, Needs()).updates

    @pytest.mark.parametrize("text", ["the mode of operation", "a quantity of things", "trailing commas"])
    def test_ordinary_words_stay(self, text: str) -> None:
        assert understand(text, Needs()).updates == {}

    def test_ambiguous_card_lists_its_sizes(self) -> None:
        got = understand("chat on one A100", Needs())
        assert [a.slot for a in got.ambiguous] == ["hardware"]
        assert len(got.ambiguous[0].options) == 2


class TestFollowUps:
    NEEDS = after("coding on a 3090, commercial, 16k context")

    @pytest.mark.parametrize(
        ("text", "slot", "value"),
        [("and with 128k?", "context", 131_072), ("what if I needed 30 tokens per second?", "min_speed", 30)],
    )
    def test_what_if_reads_short_suppositions(self, text: str, slot: str, value: float) -> None:
        got = understand(text, self.NEEDS, last=LAST)
        assert got.intent == "what_if"
        assert got.hypothetical[slot].value == value

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("what if I only had 12 GB?", "12 GB VRAM"),
            ("would a second 3090 help?", "a 3090 + another 3090"),
            ("what if I add 64 GB of RAM?", "a 3090, 64 GB of RAM"),
            ("what if I switch to a 5090?", "a 5090"),
        ],
    )
    def test_supposed_hardware(self, text: str, words: str) -> None:
        got = understand(text, self.NEEDS, last=LAST)
        assert got.hypothetical["hardware"].value.text == words

    @pytest.mark.parametrize(
        "text", ["why not a 70B?", "what does IQ4_XS mean?", "can you show me the commands"]
    )
    def test_questions_of_the_field(self, text: str) -> None:
        assert understand(text, self.NEEDS, last=LAST).intent == "ask"

    def test_no_longer_is_a_change_of_mind(self) -> None:
        got = understand("no longer commercial, just hobby", self.NEEDS, last=LAST)
        assert got.intent == "change"
        assert got.conflicts == ()
        assert got.updates["license"].value.use == "personal"

    def test_option_is_named(self) -> None:
        got = understand("2", Needs(), asked=Asked("license", ("commercially", "privately")))
        assert got.option == "privately"
