"""The words that tell what a figure means. Tables of patterns; the modules beside it read them."""

from __future__ import annotations

import re

_I = re.IGNORECASE


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), _I)


CACHE = _any(r"\bKV\b", r"\bkey[-/ ]value\b", r"\bcaches?\b(?! of a| hit)")
FILE = _any(
    r"\bweights?\b(?! on)",
    r"\bfiles?\b",
    r"\bdownloads?\b",
    r"\bGGUF\b",
    r"\bon disk\b",
    r"\bdisk\b",
    r"\btensors?\b",
    r"\bcheckpoint\b",
    r"\bmodel (?:file )?size\b",
    r"\bweighs\b",
    r"\bin size\b",
    r"\bsizes?\b(?= (?:is|of|are)|:)",
)
MEMORY = _any(
    r"(?<![a-z])vram\b",
    r"\b(?:GPU|video|graphics|accelerator|unified|system|device) memory\b",
    r"\bmemory\b",
    r"\bRAM\b",
    r"\bneeds?\b",
    r"\brequir\w+",
    r"\btakes?\b",
    r"\buses?\b",
    r"\boccup\w+",
    r"\bconsum\w+",
    r"\bfootprint\b",
    r"\btotals?\b",
    r"\bfits?\b",
    r"\bdemands?\b",
    r"\bcall(?:s|ed)? for\b",
    r"\bworth of\b",
    r"\bgets? by\b",
    r"\bruns? (?:in|on)\b",
    r"\bload(?:s|ed)?\b",
)
TRAINING = _any(
    r"\bfine-?tun\w*",
    r"\btrain(?:ing|s|ed)?\b",
    r"\bQ-?LoRA\b",
    r"(?<![A-Za-z])LoRA\b",
)
DIFFERENCE_BEHIND = re.compile(
    r"^\s?(?:of\s(?:\w+\s)?)?(?:are\s|is\s|remains?\s)?(?:more|less|extra|larger|smaller|bigger|faster"
    r"|slower|higher|lower|headroom|free|left|remain\w*|spare|"
    r"saved|savings?|difference|beyond|apart|on top|above|reserve[ds]?|buffer)\b",
    _I,
)
DIFFERENCE_BEFORE = re.compile(
    r"\b(?:reads?|another|additional|extra|by|sav(?:es?|ing)|leav(?:es?|ing)|adds?|adding|plus|spare"
    r"|remaining|differs?|drop\w*|shrink\w*"
    r"|grow\w*|increase\w*|reduc\w+|rise[sn]?|headroom(?: of)?|reserve[ds]?|free)\s(?:about |around "
    r"|roughly |some |up to |~)?$",
    _I,
)
CAPACITY_BEHIND = re.compile(
    r"^[\s-]?(?:of\s)?(?:VRAM |RAM |memory |unified(?: memory)? |GPU |NVIDIA |graphics |consumer "
    r"|data[- ]center |single )*"
    r"(?:cards?|GPUs?(?! memory)|graphics(?! memory)|machines?|laptops?|Macs?|MacBooks?|boards?"
    r"|devices?(?! memory)|computers?|systems?(?! memory)|PCs?|servers?|hosts?|"
    r"workstations?|nodes?|Chromebooks?|tablets?|phones?|variants?|version|model\b|edition|limit|constraint"
    r"|ceiling|budget|range|class|instances?|setups?|rigs?)\b",
    _I,
)
FITS = re.compile(
    r"\b(?P<verb>(?:does ?n[o'\u2019]t|do(?:es)? not|cannot|can ?n[o'\u2019]t|won['\u2019]t|will not|never"
    r"|no longer|not)\s(?:\w+\s)?fit"
    r"|fits?|fitting|squeezes?|can (?:be )?(?:run|held))\s(?:\w+ly\s|whole\s|entirely\s|well\s|just\s)?"
    r"(?:in(?:to|side)?|on(?:to)?|within)?\s?(?:a |an |one |the |your |its |single |only )*$",
    _I,
)
NOT = re.compile(r"n[o'\u2019]t\b|\bnot\b|\bnever\b|\bno\b", _I)
SPILLS = re.compile(
    r"\boffload\w*|\bsystem (?:memory|RAM)\b|\bCPU\b|\bn-cpu-moe\b|\bcpu-moe\b|\bpartly\b|\bpartial\w*"
    r"|\bexperts? (?:in|on)\b|\bsplit\b|"
    r"\bhalf of (?:the|its) layers\b|\bmixed\b|-ngl\b",
    _I,
)
LOOSE = re.compile(
    r"\bbatch(?:es|ed|ing)?\b|\bslots?\b|\busers?\b|\bconcurren\w*|\bparallel\b|\butilization\b|\bvLLM\b"
    r"|\bSGLang\b|\bTGI\b|\bTensorRT\b|"
    r"\bExLlama\w*|\bMLX\b|\bswa[-_]full\b|\bwithout (?:flash|grouped)|\bubatch|-ub\b|\bspeculative\b"
    r"|\bdraft\b|\btensor[- ]parallel|"
    r"\bpruned\b|\bdistill\w*|\badapter\b|\bQAT\b|\bUnsloth dynamic\b|\bper layer\b|\bcompute buffer\b"
    r"|\bscratch\b|"
    r"\bwithout (?:the )?(?:KV|cache|context)|\bembedder\b|\brerank\w*|\bfree(?:s|d)?\b|\btogether\b"
    r"|\beach\b(?! of)|\bper (?:GPU|card|device)\b",
    _I,
)
"""What changes a figure of memory or speed in a way that a condition does not hold."""
SPEED_OTHER = re.compile(
    r"\bprompts?\b(?! is)|\bprefill\b|\bpp\d|\bprocessing\b|\binput\b|\bthroughput\b|\baggregate\b"
    r"|\bin total\b|\bread(?:s|ing)?\b|"
    r"\bbelow\b|\btarget\b|\bexpect(?:ing)?\b|\bat most\b|\blimit\b|\bpeople\b|\bhuman\b|\bcomfortabl\w+",
    _I,
)
WINDOW = re.compile(
    r"\bcontext (?:window|length|size|limit)\b|\bwindows?\b|\bmax(?:imum)? (?:context|sequence|input"
    r"|position)\w*|\bnative(?:ly)?\b|"
    r"\bsupports?\b|\bhandles?\b|\baccepts?\b|\bcan (?:read|take|process|see)\b|\bhas\b|\bhave\b"
    r"|\boffers?\b|\bcomes? with\b|\bup to\b|\bpositions?\b|"
    r"\blimited to\b|\bholds\b|\bcapable of\b|\bships with\b",
    _I,
)
WINDOW_BEHIND = re.compile(
    r"^[\s-]?(?:tokens?[\s-]?)?(?:\(?[\d,]+\)?\s)?(?:of\s)?(?:native\s|long\s|full\s)?(?:context|window|ctx"
    r"|tokens?\b|sequence|input)",
    _I,
)
EXTENDED = re.compile(r"\bYaRN\b|\brope[- ]scal\w*|\bextend\w*|\bscaled\b|\bwith scaling\b", _I)
SLIDING = re.compile(
    r"\bslid\w+|\bchunks?\b|\blocal attention\b|\bwindowed\b|\boutput\b|\bgenerat\w+|\bexamples?\b"
    r"|\btrain\w*|\bper request\b",
    _I,
)
OF_SIXTEEN = re.compile(
    r"\b(?:of|vs\.?|versus|against|relative to|compared (?:to|with)|than)\s(?:the "
    r"|its )?(?:size of (?:the )?|original |full |unquantized )*"
    r"(?:FP16|F16|BF16|16[- ]bits?|half[- ]precision|original|unquantized|full[- ]precision)",
    _I,
)
ACTIVE_NEAR = re.compile(r"\bactive\b|\bactivat\w+|\bper token\b|\bat a time\b", _I)
PER_TOKEN = re.compile(r"^\s?(?:of (?:\w+ ){1,2})?(?:/|per|a|for (?:each|every)|each)\s?token", _I)
PER_MILLION = re.compile(
    r"\b(?:per|/|for(?: a| one)?|a|each)\s?(?:1\s?)?(?:million|M(?:n|io)?\b|1M)|/\s?1?M\b|\bMTok\b"
    r"|\bM ?tokens\b|\b1M\b|\bmillion\b",
    _I,
)
INPUT = re.compile(r"\b(?:input|in\b(?! (?:and|the|a|our|total|all|20\d\d|Q\d))|prompt)", _I)
OUTPUT = re.compile(r"\b(?:output|out\b(?! of)|completion|generated)", _I)
OTHER_PERIOD = re.compile(
    r"^\s?(?:/|per|an?|each)\s?(?P<per>months?|mo\b|years?|days?|weeks?|kWh|user|seat|request|call|image"
    r"|minute|query|1,?000|thousand|1?K\b)",
    _I,
)
HOURLY = re.compile(r"^\s?(?:/|per|an?|each)\s?(?:GPU[- ])?(?:hours?|hr?)\b", _I)
CACHED = re.compile(
    r"\bcach(?:ed|e|ing)\b|\bbatch\b|\bdiscount\w*|\babove \d+k\b|\blong[- ]context\b|\bfine-?tun\w+"
    r"|\binstead of\b",
    _I,
)
ATTRIBUTED = re.compile(
    r"\bolder (?:guide|note|claim|rule|text|document|table|list|recommend\w+|figure|statement)s?\b"
    r"|\bthe (?:older|old) (?:guides?|notes?|rule)\b|"
    r"\bclaim(?:s|ed)?\b|\baccording to\b|\bwas said\b|\bis said to\b|\bthey say\b|\bsome say\b"
    r"|\bit is often said\b|\bmyth\b|\bis stated as\b|"
    r"\bis listed\b|\bmarketing\b|\badvertis\w+|\bsupposed(?:ly)?\b|\ballegedly\b|\bthe notes'|\brumou?r\w*"
    r"|\bwrongly\b|\bincorrectly\b|\bmistak\w+|"
    r"\b(?:old )?rule\b(?! of thumb)|\brecorded them\b|\bestimates by\b",
    _I,
)
PAST = re.compile(
    r"\bwas\b|\bwere\b|\bused to\b|\bformerly\b|\blaunch(?:ed)? (?:price|at)\b|\blaunched\b|\bearlier\b"
    r"|\boriginally\b|\bback then\b|\bin 20(?:1\d|2[0-5])\b|"
    r"\bretired\b|\bat the time\b|\bfor its time\b|\blater\b",
    _I,
)
CORRECTS = re.compile(
    r"\bwrong\b|\bincorrect\b|\bnot true\b|\bfalse\b|\bmeasured\b|\breal(?:ly)?\b|\bactual(?:ly)?\b"
    r"|\bout of date\b|\boutdated\b|\bin fact\b|"
    r"\bcorrection\b|\bchecked\b|\bmatches\b|\bholds only\b|\bholds for\b|\brather\b|\bnot \$?\d"
    r"|\bchanged\b",
    _I,
)
HYPOTHETICAL = re.compile(r"\bif\b|\bwould\b|\bsuppose\b|\bimagine\b|\bassum\w+|\bshould\b|\bcould\b|\?$", _I)
CARRIES = re.compile(
    r"^(?:It|Its|This|That|The (?:model|file|weights|whole|card|cache|KV|context|license|same|q|Q|price"
    r"|full|download)|At|In|With|Weights|Here|Measured|Computed)\b"
)
LICENSES: tuple[tuple[str, str], ...] = (
    (
        r"Apache[- ]?(?:License[- ,]*)?(?:v(?:ersion)?\.?\s?)?2(?:\.0)?|Apache(?:[- ]licensed?"
        r"| license)?(?![- ]?\d)",
        "apache-2.0",
    ),
    (r"modified[- ]MIT", "modified-mit"),
    (r"(?<![A-Za-z-])MIT(?:[- ](?:licensed?))?(?![A-Za-z])", "mit"),
    (r"CC[- ]BY[- ]NC(?:[- ]SA)?(?:[- ]4\.0)?", "cc-by-nc-4.0"),
    (r"CC[- ]BY[- ]SA(?:[- ]4\.0)?", "cc-by-sa-4.0"),
    (r"CC[- ]BY(?:[- ]4\.0)?(?![- ]?[NS])", "cc-by-4.0"),
    (
        r"Llama (?:\d(?:\.\d)? )?(?:community )?license(?: agreement)?"
        r"|Llama (?:\d(?:\.\d)? )?Community(?: License)?",
        "llama",
    ),
    (r"Gemma (?:terms(?: of use)?|license)", "gemma"),
    (r"Qwen[- ]research(?: license)?", "qwen-research"),
    (r"DeepSeek (?:model )?license", "deepseek"),
    (r"(?:BigCode )?OpenRAIL(?:-M)?", "openrail"),
    (r"(?<![A-Za-z])A?GPL(?:v?\d)?(?:[- ]licensed)?", "gpl"),
)
LICENSE_PATTERN = re.compile("|".join(f"(?P<l{i}>{pattern})" for i, (pattern, _) in enumerate(LICENSES)), _I)
COMMERCIAL_NO = re.compile(
    r"\bnon-?commercial\b|\bno commercial use\b|\bnot? (?:be )?(?:used |allowed |permitted |licensed "
    r"|free )*(?:for )?commercial|\bresearch[- ]only\b|"
    r"\b(?:forbids?|prohibits?|excludes?|bans?) (?:any )?commercial|\bmay not be (?:used commercially|sold)"
    r"|\bcommercial use is (?:not|forbidden|prohibited)",
    _I,
)
COMMERCIAL_YES = re.compile(
    r"\bfree for (?:any )?commercial(?: use)?|\b(?:allows?|permits?|ok for|fine for"
    r"|can be used) (?:for )?(?:unrestricted |any |full )?commercial(?: use)?"
    r"|\bcommercial(?:ly)? use is (?:allowed|permitted|free|fine)"
    r"|\bcommercially usable\b|\bmay be used commercially\b",
    _I,
)
