"""Polite words for messages that are beside the matter: a sentence or two, and the open question stands."""

from __future__ import annotations

from agent.reply import Reply

HELLO = (
    "Tell me what the model is for and what machine you have, for example: \u201ca coding assistant on my "
    "RTX 3060 12GB, commercial use\u201d. I ask only what changes the answer; say \u201crecommend\u201d "
    "to have it now."
)
GOES_ON = "Say what should be different, or ask about any figure."
WORDS = {
    "empty": "I got an empty message.",
    "symbols": "I found no words to read in that.",
    "insult": "I am sorry that this annoys you; say \u201cjust tell me\u201d and I recommend at once.",
    "order": "I only advise on language models, and such instructions change nothing here.",
    "noise": "I could not read that.",
    "code": "That looks like code, which I do not read as an answer; tell me in a sentence what you need.",
    "paste": "That is a long text, which I do not read as an answer; tell me in a sentence what you need.",
    "script": "I could not read that; English works best here, and German, French and Spanish mostly do.",
    "media": "I advise on language models: some read pictures, but none makes pictures, films or music.",
}


def aside_reply(aside: str, *, open_question: bool, answered: bool = False) -> Reply:
    """The reply to a message from which nothing is read.

    Args:
        aside: a kind of `agent.understanding.asides`.
        open_question: a question waits and is repeated behind the reply.
        answered: there is a recommendation, which questions and changes can be about.
    """
    words = WORDS[aside]
    return Reply(words if open_question else f"{words} {GOES_ON if answered else HELLO}", found=False)
