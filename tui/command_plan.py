"""`plan`: the guides' planning procedures; a subcommand is imported when it is called."""

from __future__ import annotations

from tui.invocation import LazyGroup

PLANS = {
    "tokens": ("tui.plans.tokens:command", "Conversation length from a token budget, and what it costs."),
    "finetune": ("tui.plans.finetune:command", "Whether to fine-tune, which base, how, and what it takes."),
    "pretrain": ("tui.plans.pretrain:command", "A small GPT from scratch: configuration, memory, time."),
    "cost": ("tui.plans.cost:command", "Local, API or rented GPU: dollars a month and the break-even."),
    "stack": ("tui.plans.stack:command", "A retrieval stack in one memory budget, with its index."),
    "migration": ("tui.plans.migration:command", "The yearly review of a base model, step by step."),
}
command = LazyGroup(
    "plan",
    PLANS,
    help="Plan with the procedures of the guides; every figure is computed and says where it comes from.\n\n"
    "Nothing goes over the network, except where `migration --run` asks the models that you name.",
)
