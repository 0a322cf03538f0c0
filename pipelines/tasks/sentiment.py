"""Sentiment: whether a review is positive, neutral or negative.

The prompt is a plain completion after three worked examples. What the model would say next is read off as the
log probabilities of some words of each class; `pipelines.tasks.calibration` turns those into class probabilities.
"""

from pipelines.tasks import anchors
from pipelines.tasks.classification import classification
from pipelines.tasks.task import Example

EXAMPLES = (
    Example("Loved the grilled fish, and the staff could not have been nicer.", "positive"),
    Example("Cold food and rude staff, I will not return.", "negative"),
    Example("The food was okay, nothing special.", "neutral"),
    Example("생선구이가 정말 맛있고 직원분들도 아주 친절했어요.", "positive", "ko"),
    Example("음식은 식어 있고 직원은 불친절해서 다시는 안 갑니다.", "negative", "ko"),
    Example("음식은 그냥 무난했고 특별한 건 없었어요.", "neutral", "ko"),
)
# The first word of each class is its label; the others say the same in other words.
WORDS = (
    ("positive", "great", "good", "excellent", "happy", "wonderful", "satisfied", "pleased"),
    ("neutral", "mixed", "okay", "average", "fair", "moderate", "acceptable", "decent", "fine", "ok", "reasonable",
     "balanced"),
    ("negative", "bad", "terrible", "poor", "unhappy", "horrible", "disappointed", "angry"),
)  # fmt: skip

SENTIMENT = classification(
    "sentiment",
    "is a review positive, neutral or negative?",
    "review",
    WORDS,
    examples=EXAMPLES,
    noun="Review",
    answer="Sentiment",
    anchors=(anchors.POSITIVE, anchors.NEUTRAL, anchors.NEGATIVE),
    between=("positive", "negative"),
    rank=2,
)
