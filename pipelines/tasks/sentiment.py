"""Sentiment: whether a review is positive, neutral or negative.

The prompt is a plain completion after a few worked examples in the review's language. What the model would say next
is read off as the log probabilities of some words of each class; `pipelines.tasks.calibration` turns those into class
probabilities.
"""

from pipelines.tasks.anchors import ANCHORS
from pipelines.tasks.classification import classification
from pipelines.tasks.task import Example

EXAMPLES = (
    Example("Loved the grilled fish, and the staff could not have been nicer.", "positive"),
    Example("Cold food and rude staff, I will not return.", "negative"),
    Example("The food was okay, nothing special.", "neutral"),
    Example("생선구이가 정말 맛있고 직원분들도 아주 친절했어요.", "positive", "ko"),
    Example("음식은 식어 있고 직원은 불친절해서 다시는 안 갑니다.", "negative", "ko"),
    Example("여기 진짜 맛있어요ㅋㅋ 사장님도 너무 친절하심. 또 올게요!", "positive", "ko"),
    Example("한 시간 기다렸는데 다 식어서 왔고 전화도 안 받네요... 다시는 안 시켜요", "negative", "ko"),
    Example("음식은 그냥 무난했고 특별한 건 없었어요.", "neutral", "ko"),
    Example("맛은 괜찮은데 양이 적어요. 가까우면 한 번쯤?", "neutral", "ko"),
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
    anchors=ANCHORS,
    between=("positive", "negative"),
    rank=2,
)
