"""Worked examples of writing and checking, about restaurants that were made up for this project."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple


class Judged(NamedTuple):
    """A line of facts, a sentence, and whether that is true to it."""

    line: str
    text: str
    answer: str


Written = Mapping[str, Sequence[Mapping[str, str]]]  # by language: what is made of each line

SUMMARIES: Written = MappingProxyType({
    "en": (
        {
            'food: 9 of 12 praise it, e.g. "grilled trout was superb", "lovely lentil soup"; 2 criticise it, '
            'e.g. "potatoes were raw"':
            "The food is good according to 9 of 12 diners, for example: the grilled trout was superb and the "
            "lentil soup is lovely. 2 criticise it, for example: the potatoes were raw.",
            'service: 5 of 12 criticise it, e.g. "waited 40 minutes for a drink"; 2 praise it, e.g. "kind host"':
            "The service is criticised by 5 of 12, for example: they waited 40 minutes for a drink. 2 praise it, for "
            "example: the host is kind.",
            'ambience: opinions differ: 4 of 12 praise it, e.g. "enjoyed the quiet garden", "candles everywhere"; 3 '
            'criticise it, e.g. "chairs too hard"':
            "Opinions on the ambience differ. 4 of 12 praise it, for example: they enjoyed the quiet garden, with "
            "candles everywhere. 3 criticise it, for example: the chairs are too hard.",
        },
        {
            'the place overall: opinions differ: 1 of 3 praises it, e.g. "a favourite so far"; 1 criticises it, e.g. '
            '"overrated"':
            "Opinions on the place overall differ. 1 of 3 praises it: it is a favourite so far. 1 criticises it: "
            "it is overrated.",
            'delivery: 1 of 3 praises it, e.g. "came warm"':
            "The delivery is good according to 1 of 3 diners: it came warm.",
            'price: 2 of 3 criticise it, e.g. "9 euros for a lemonade", "steep bill"':
            "The price is criticised by 2 of 3, for example: the bill is steep, with 9 euros for a lemonade.",
        },
    ),
    "ko": (
        {
            '음식: 12명 중 9명 칭찬, 예 "송어구이가 훌륭해요", "렌틸 수프 최고"; 2명 비판, 예 "감자가 설익었어요"':
            "손님 12명 중 9명이 음식이 좋다고 합니다. 송어구이가 훌륭하고 렌틸 수프가 최고라고 합니다. 2명은 "
            "감자가 설익었다고 비판합니다.",
            '서비스: 12명 중 5명 비판, 예 "음료를 40분 기다렸어요"; 2명 칭찬, 예 "자리를 찾아 주셨어요"':
            "손님 12명 중 5명이 음료를 40분 기다렸다며 서비스를 비판합니다. 2명은 자리를 찾아 주었다고 칭찬합니다.",
            '분위기: 의견이 갈림: 12명 중 4명 칭찬, 예 "조용한 정원", "촛불이 예뻐요"; 3명 비판, 예 "의자가 딱딱해요"':
            "분위기에 대한 의견은 갈립니다. 손님 12명 중 4명은 조용한 정원과 예쁜 촛불을 칭찬하고, 3명은 의자가 "
            "딱딱하다고 비판합니다.",
        },
        {
            '식당 전반: 의견이 갈림: 3명 중 1명 칭찬, 예 "지금까지 최고"; 1명 비판, 예 "이름값을 못해요"':
            "식당 전반에 대한 의견은 갈립니다. 손님 3명 중 1명은 지금까지 최고라고 하고, 1명은 이름값을 못한다고 "
            "비판합니다.",
            '배달: 3명 중 1명 칭찬, 예 "따뜻하게 왔어요"': "손님 3명 중 1명이 따뜻하게 왔다며 배달을 칭찬합니다.",
            '가격: 3명 중 2명 비판, 예 "레모네이드가 9천 원", "계산서가 부담돼요"':
            "손님 3명 중 2명이 레모네이드가 9천 원이라 부담된다며 가격을 비판합니다.",
        },
    ),
})  # fmt: skip
COMPARISONS: Written = MappingProxyType({
    "en": (
        {
            'more praise of trout: "grilled trout was superb", "trout so tender"':
            "More diners than elsewhere praise the trout as superb and tender.",
            'more praise of ambience: "We enjoyed the quiet garden", "candles everywhere"':
            "More diners than elsewhere praise the ambience, for example the quiet garden and the candles.",
            'more criticism of service: "waited 40 minutes for a drink"':
            "More diners than elsewhere criticise the service, for example for waiting 40 minutes for a drink.",
        },
    ),
    "ko": (
        {
            '송어 칭찬이 더 많음: "송어구이가 훌륭해요", "송어가 부드러워요"':
            "송어가 훌륭하고 부드럽다고 칭찬하는 손님이 다른 곳보다 많습니다.",
            '분위기 칭찬이 더 많음: "조용한 정원", "촛불이 예뻐요"':
            "조용한 정원과 예쁜 촛불 등 분위기를 칭찬하는 손님이 다른 곳보다 많습니다.",
            '서비스 비판이 더 많음: "음료를 40분 기다렸어요"':
            "음료를 40분 기다렸다는 등 서비스를 비판하는 손님이 다른 곳보다 많습니다.",
        },
    ),
})  # fmt: skip
NAMES: Written = MappingProxyType({
    "en": (
        {
            'trout: "grilled trout was superb", "trout so tender"': "superb, tender trout",
            'ambience: "we loved the quiet garden", "candles everywhere"': "quiet garden with candles",
            'price: "9 euros for a whole menu", "very cheap"': "very cheap menus",
            'service: "host found us a seat at once", "quick"': "quick seating by the host",
        },
    ),
    "ko": (
        {
            '송어: "송어구이가 훌륭해요", "송어가 부드러워요"': "부드럽고 훌륭한 송어구이",
            '분위기: "조용한 정원이 좋아요", "촛불이 예뻐요"': "예쁜 촛불과 조용한 정원",
            '가격: "메뉴 전체가 9천 원", "아주 싸요"': "아주 싼 메뉴",
            '서비스: "바로 자리를 찾아 주셨어요", "빨라요"': "빠른 자리 안내",
        },
    ),
})  # fmt: skip
CHECKED: Mapping[str, Sequence[Judged]] = MappingProxyType({
    "en": (
        Judged('food: 9 of 12 praise it, e.g. "trout so tender", "lovely lentil soup"; 2 criticise it, e.g. "potatoes '
               'were raw"',
               "The food is good according to 9 of 12, for example: the trout is tender. 2 criticise the potatoes.",
               "yes"),
        Judged('service: 5 of 12 criticise it, e.g. "waited 40 minutes for a drink"',
               "The service is good according to 5 of 12: it is quick.", "no"),
        Judged('ambience: 4 of 12 praise it, e.g. "quiet garden", "candles everywhere"',
               "The ambience is good according to 4 of 12: the garden is quiet and has a view of the lake.", "no"),
        Judged('price: 2 of 3 criticise it, e.g. "9 euros for a lemonade"',
               "The price is criticised by 2 of 3: it is 9 euros for a lemonade.", "yes"),
        Judged('delivery: opinions differ: 4 of 12 praise it, e.g. "came warm"; 3 criticise it, e.g. "soup spilled"',
               "Opinions on the delivery differ. 4 of 12 praise it: it came warm. 3 criticise it: soup was spilled.",
               "yes"),
        Judged('the place overall: 1 of 3 praises it, e.g. "we shall return"', "1 of 3 diners would not go again.",
               "no"),
        Judged('more praise of trout: "grilled trout was superb"',
               "More diners than elsewhere praise the superb trout.", "yes"),
        Judged('more criticism of service: "nobody took our order"', "The service is not happy with its orders.", "no"),
    ),
    "ko": (
        Judged('음식: 12명 중 9명 칭찬, 예 "송어가 부드러워요", "렌틸 수프 최고"; 2명 비판, 예 "감자가 설익었어요"',
               "손님 12명 중 9명이 음식이 좋다고 합니다. 송어가 부드럽다고 합니다. 2명은 감자가 설익었다고 비판합니다.",
               "yes"),
        Judged('서비스: 12명 중 5명 비판, 예 "음료를 40분 기다렸어요"',
               "손님 12명 중 5명이 서비스가 빠르다고 칭찬합니다.", "no"),
        Judged('분위기: 12명 중 4명 칭찬, 예 "조용한 정원", "촛불이 예뻐요"',
               "손님 12명 중 4명이 조용한 정원과 호수 전망 등 분위기가 좋다고 합니다.", "no"),
        Judged('가격: 3명 중 2명 비판, 예 "레모네이드가 9천 원"',
               "손님 3명 중 2명이 레모네이드가 9천 원이라며 가격을 비판합니다.", "yes"),
        Judged('배달: 의견이 갈림: 12명 중 4명 칭찬, 예 "따뜻하게 왔어요"; 3명 비판, 예 "국물이 샜어요"',
               "배달에 대한 의견은 갈립니다. 12명 중 4명은 따뜻하게 왔다고 칭찬하고, 3명은 국물이 샜다고 비판합니다.",
               "yes"),
        Judged('송어 칭찬이 더 많음: "송어구이가 훌륭해요"',
               "훌륭한 송어구이를 칭찬하는 손님이 다른 곳보다 많습니다.", "yes"),
        Judged('서비스 비판이 더 많음: "주문을 받지 않아요"', "서비스를 칭찬하는 손님이 다른 곳보다 많습니다.", "no"),
    ),
})  # fmt: skip
