"""Who lives in the demonstration and how they behave: every constant of the model.

Constants marked "fitted" come from public traces; ``docs/demo-data.md`` states each fit.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class Workspace:
    """A customer of the platform and its share of the sessions."""

    workspace_id: str
    name: str
    plan: str
    share_ratio: float  # of all sessions
    region: str
    keeps_text: bool  # may the wording of queries be stored?


@dataclass(frozen=True, slots=True)
class Agent:
    """Log-normal token counts: ``mu`` and ``sigma`` of the natural logarithm."""

    agent_id: str
    endpoint: str
    feature: str
    prompt_mu: float
    prompt_sigma: float
    output_mu: float
    output_sigma: float
    share_ratio: float
    mean_stars: float


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its speed, its share of the requests, its reasoning."""

    provider: str
    model: str
    ttft_ms: float  # median time to first token, before the prompt's own time
    output_ms_per_token: float
    share_ratio: float
    reasoning_ratio: float  # of output tokens


# Shares: fitted to the 12 largest m-small clients of ServeGen (0.950 of it), made to sum to 1.
WORKSPACES = (
    Workspace("brightwater", "Brightwater Logistics", "enterprise", 0.315, "eu-central", True),
    Workspace("kestrel", "Kestrel Insurance", "enterprise", 0.231, "us-east", False),
    Workspace("marlow", "Marlow & Finch Legal", "enterprise", 0.113, "eu-west", False),
    Workspace("tansy", "Tansy Health", "enterprise", 0.093, "us-east", True),
    Workspace("oakline", "Oakline Retail", "team", 0.060, "us-west", True),
    Workspace("halden", "Halden Energy", "team", 0.056, "eu-central", False),
    Workspace("pinebridge", "Pinebridge Schools", "team", 0.044, "us-west", True),
    Workspace("quayside", "Quayside Travel", "team", 0.037, "ap-southeast", True),
    Workspace("sorrel", "Sorrel Foods", "team", 0.017, "eu-west", True),
    Workspace("verity", "Verity Audit", "free", 0.013, "us-east", False),
    Workspace("wren", "Wren Robotics", "free", 0.011, "ap-southeast", True),
    Workspace("zephyr", "Zephyr Games", "free", 0.010, "us-west", True),
)
WORKSPACE_IDS = tuple(w.workspace_id for w in WORKSPACES)
BURSTY = ("kestrel", "oakline")  # their gaps are Weibull, the others' gamma

# assistant: fitted to the Azure conversation trace; coder: fitted to the Azure code trace.
AGENTS = (
    Agent("assistant", "/v1/ask", "chat", 6.63, 0.99, 5.02, 0.86, 0.42, 4.2),
    Agent("coder", "/v1/chat/completions", "code", 7.00, 1.36, 2.79, 0.85, 0.18, 3.7),
    Agent("support", "/v1/ask", "tickets", 6.40, 0.80, 4.70, 0.70, 0.18, 3.9),
    Agent("analyst", "/v1/ask", "reports", 7.20, 0.90, 4.60, 0.80, 0.14, 4.0),
    Agent("researcher", "/v1/ask", "research", 7.90, 0.90, 5.30, 0.70, 0.08, 4.4),
)
MAX_PROMPT_TOKENS = 14_050  # the largest prompt of the Azure conversation trace
MAX_OUTPUT_TOKENS = 1_899  # the longest answer of the Azure code trace

MODELS = (
    Model("openai", "gpt-4.1", 390, 3.2, 0.20, 0.0),
    Model("openai", "gpt-4.1-mini", 260, 2.1, 0.26, 0.0),
    Model("anthropic", "claude-sonnet-4-5", 480, 3.7, 0.16, 0.0),
    Model("anthropic", "claude-haiku-4-5", 270, 2.2, 0.16, 0.0),
    Model("google", "gemini-2.5-flash", 240, 1.9, 0.14, 0.0),
    Model("google", "gemini-2.5-pro", 560, 3.4, 0.08, 0.35),
    # Nobody lists a price for this one: it shows what "unpriced" looks like.
    Model("openai", "ft:gpt-4.1-mini-2025-04-14:oakline::triage", 270, 2.2, 0.0, 0.0),
)
UNPRICED_MODEL = 6
UNPRICED_WORKSPACE = 4  # oakline: 0.060 of the sessions,
UNPRICED_RATIO = 0.10  # a tenth of its requests: 0.006 of all
PREFERENCE = 2.5  # how much a workspace (an agent) likes its own model more than others do

REGIONS = ("eu-central", "eu-west", "us-east", "us-west", "ap-southeast")
UTC_OFFSET_H = {"eu-central": 1, "eu-west": 0, "us-east": -5, "us-west": -8, "ap-southeast": 8}
AT_HOME_RATIO = 0.82  # users who live in their workspace's region
DEVICES = ("desktop", "mobile", "tablet")
DEVICE_SHARES = (0.68, 0.26, 0.06)
USUAL_DEVICE_RATIO = 0.88

# Daily harmonics (1, cos, sin, cos 2, sin 2) by local hour and the weekend's level: fitted to
# the NASA web log. Shape of the gaps and noise of an hour: fitted to ServeGen.
DAILY_HARMONICS = (1.0, -0.4227, -0.2766, 0.1901, -0.0325)
WEEKEND_RATIO = 0.5948
GAMMA_SHAPE = 0.81
WEIBULL_SHAPE = 0.47
HOUR_NOISE_SIGMA = 0.44

BOUNCE_RATIO = 0.28
VIEWS_MEAN = 2.7  # of a session that is no bounce, as are the next two
REQUESTS_MEAN = 9.0
INTERACTIONS_MEAN = 1.2
COUNT_SHAPE = 1.2  # of the gamma that makes counts of views and requests uneven
STEP_SHAPE = 0.7  # of the Weibull gaps between a session's events
STEP_MEAN_S = 45.0
STEP_MAX_S = 1_200.0  # below the 30 minutes that end a session
SESSION_MAX_US = 12 * HOUR_US
USERS_PER_EVENT = 0.015
# Zipf-Mandelbrot: the first x of a workspace's users make ln(1 + x / c) / ln(1 + 1 / c) of its
# sessions; the top tenth ln(6) / ln(51) = 46 %, the busiest 1 / (c ln 51) = 12.7 times the mean.
USER_FLATTENING = 0.02
USERS_AT_START_RATIO = 0.6

FEEDBACK_RATIO = 0.05
ERROR_RATIO = 0.005
ERROR_CODES = ("rate_limited", "timeout", "invalid_request", "provider_unavailable")
ERROR_CODE_SHARES = (0.5, 0.3, 0.2)
CACHED_RATIO = 0.24  # answers served from the platform's own cache
PREFIX_REUSE_RATIO = 0.39  # requests that reuse a prompt prefix: fitted to Mooncake
PREFIX_BETA = (9.0, 1.0)  # share of the prompt reused, mean 0.9
PREFIX_WRITE_RATIO = 0.10

PAGES = ("/chat", "/documents", "/search", "/dashboard", "/reports", "/agents", "/settings")
PAGE_SHARES = (0.34, 0.19, 0.17, 0.13, 0.09, 0.05, 0.03)
REFERRERS = ("", "search engine", "mail", "intranet", "bookmark")
REFERRER_SHARES = (0.38, 0.17, 0.14, 0.21, 0.10)
ACTIONS = ("copy_answer", "open_source", "share", "export", "rename_chat", "pin_document")
ACTION_SHARES = (0.38, 0.27, 0.12, 0.10, 0.08, 0.05)
COMMENTS = {1: ("Wrong answer.", "Did not understand the question.", "Too slow to use."),
            2: ("The source was out of date.", "Missed half of it.", "Slow."),
            3: ("Fine, with some editing.", "Right, but too long."),
            4: ("Good, thank you.", "Helpful, one detail missing."),
            5: ("Exactly what I needed.", "Saved me an hour.", "Clear and correct.")}
COMMENT_RATIO = 0.18

HOST = "demo-host-1"
SAMPLE_METRICS = ("cpu_pct", "memory_pct", "disk_pct", "cache_hit_pct")
SAMPLE_CADENCES_S = (60, 300, 600, 1_800, 3_600, 21_600)
SAMPLES_RATIO = 0.10  # samples are at most this share of all events


def busy_ratio(rank_ratio: Floats) -> Floats:
    """Share of a workspace's sessions made by this first part of its users."""
    c = USER_FLATTENING
    return np.asarray(np.log1p(rank_ratio / c) / np.log1p(1 / c))


def rank_ratio(busy: Floats) -> Floats:
    """Inverse of :func:`busy_ratio`."""
    c = USER_FLATTENING
    return np.asarray(c * np.expm1(busy * np.log1p(1 / c)))


def cumulate(shares: tuple[float, ...]) -> Floats:
    """Upper ends of the shares' intervals in [0, 1), made to sum to 1."""
    sums = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.asarray(sums / sums[-1], dtype=np.float64)


def pick(rng: np.random.Generator, shares: tuple[float, ...], count: int) -> Ints:
    """``count`` indices drawn by the given shares."""
    return np.searchsorted(cumulate(shares), rng.random(count), side="right").astype(np.int64)
