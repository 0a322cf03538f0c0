"""Worked examples of points: reviews written for this project, and what is praised and criticised in them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

Said = Sequence[tuple[str, str, str]]  # words of the review, aspect, side

ENGLISH: Mapping[str, Said] = {
    "The grilled trout was superb but we waited 40 minutes for a table, and the bill was steep.": [
        ("grilled trout was superb", "food", "good"), ("waited 40 minutes for a table", "service", "bad"),
        ("bill was steep", "price", "bad"),
    ],
    "We went there on Monday with my parents and ordered two soups.": [],
    "Such kind staff! Garden is pretty and quiet. My lemonade had no taste at all, cakes were stale too.": [
        ("kind staff", "service", "good"), ("Garden is pretty and quiet", "ambience", "good"),
        ("lemonade had no taste", "drinks", "bad"), ("cakes were stale", "food", "bad"),
    ],
    "Will definitely come back!!": [("Will definitely come back", "overall", "good")],
    "Then it was time for dessert.": [],
    "A good place for a date. Great pasta, quick and cheap. The plates could be bigger.": [
        ("good place for a date", "overall", "good"), ("Great pasta", "food", "good"), ("quick", "service", "good"),
        ("cheap", "price", "good"), ("plates could be bigger", "portions", "bad"),
    ],
    "Okay for an office lunch, not worth the hype.": [("not worth the hype", "overall", "bad")],
    "I have had better noodles at the airport.": [("had better noodles at the airport", "food", "bad")],
    "My cousin told me about it and I come here every Friday after work.": [],
    "Close to the station. Tables were sticky, and our food was brought home cold and badly packed.": [
        ("Close to the station", "location", "good"), ("Tables were sticky", "cleanliness", "bad"),
        ("brought home cold and badly packed", "delivery", "bad"),
    ],
    "Nice spot, had an awesome time with friends.": [
        ("Nice spot", "overall", "good"), ("had an awesome time", "overall", "good"),
    ],
    "Paid 300 for two kebabs and a salad, which came after the ice cream. I asked for the manager and he laughed.": [
        ("came after the ice cream", "service", "bad"), ("asked for the manager and he laughed", "service", "bad"),
    ],
    "Must try their dumplings, chicken wings and the cold coffee. Loud music though.": [
        ("Must try their dumplings", "food", "good"), ("chicken wings", "food", "good"),
        ("cold coffee", "drinks", "good"), ("Loud music", "ambience", "bad"),
    ],
    "It belongs to the same family as the bakery next door and serves food from Kerala.": [],
    "The wifi kept dropping, but my dog was welcome. Lovely tea.": [
        ("wifi kept dropping", "other", "bad"), ("my dog was welcome", "other", "good"),
        ("Lovely tea", "drinks", "good"),
    ],
    "Average. Menu is limited and nothing on it was hot.": [
        ("Average", "overall", "bad"), ("Menu is limited", "food", "bad"), ("nothing on it was hot", "food", "bad"),
    ],
    "We ordered the lamb platter for 450 and two juices, then sat on the roof.": [],
    "Cheap, fast and friendly.": [
        ("Cheap", "price", "good"), ("fast", "service", "good"), ("friendly", "service", "good"),
    ],
    "They are famous for seafood. I wish they had more desserts on the menu.": [
        ("wish they had more desserts", "food", "bad"),
    ],
    "A lively place with a nice ambience and a good band, calm on weekdays.": [
        ("lively place", "ambience", "good"), ("nice ambience", "ambience", "good"),
        ("good band", "ambience", "good"), ("calm on weekdays", "ambience", "good"),
    ],
    "The crispy corn and the lamb was wow, staff should smile more.": [
        ("crispy corn and the lamb was wow", "food", "good"), ("staff should smile more", "service", "bad"),
    ],
    "I had wanted to come here for weeks and finally made it on Saturday with two friends. We were seated by the "
    "window and began with the mushroom soup, which was thick and full of flavour. Then came fried rice with egg, "
    "nothing special, and a fish curry that was far too salty for us. The waiter noticed and brought another one "
    "free of charge. It is hard to park around there. We paid 1,200 in total, fair for what we got, and took a "
    "walk by the lake afterwards.": [
        ("mushroom soup, which was thick and full of flavour", "food", "good"),
        ("fried rice with egg, nothing special", "food", "bad"), ("fish curry that was far too salty", "food", "bad"),
        ("brought another one free of charge", "service", "good"), ("hard to park around there", "location", "bad"),
        ("fair for what we got", "price", "good"),
    ],
}  # fmt: skip
KOREAN: Mapping[str, Said] = {
    "송어구이는 정말 훌륭했지만 40분이나 기다렸고 가격도 비싸요.": [
        ("송어구이는 정말 훌륭했지만", "food", "good"), ("40분이나 기다렸고", "service", "bad"),
        ("가격도 비싸요", "price", "bad"),
    ],
    "월요일에 부모님과 가서 국밥 두 그릇을 시켰어요.": [],
    "직원분들이 친절하고 정원이 예쁘고 조용해요. 레모네이드는 밍밍하고 케이크는 말라 있었어요.": [
        ("직원분들이 친절하고", "service", "good"), ("정원이 예쁘고 조용해요", "ambience", "good"),
        ("레모네이드는 밍밍하고", "drinks", "bad"), ("케이크는 말라 있었어요", "food", "bad"),
    ],
    "꼭 다시 올게요!!": [("꼭 다시 올게요", "overall", "good")],
    "친구 생일이라 여기로 왔어요.": [],
    "데이트하기 좋은 곳. 만두 최고, 빨리 나오고 저렴해요. 양이 조금 적어요.": [
        ("데이트하기 좋은 곳", "overall", "good"), ("만두 최고", "food", "good"), ("빨리 나오고", "service", "good"),
        ("저렴해요", "price", "good"), ("양이 조금 적어요", "portions", "bad"),
    ],
    "유명세에 비해 별로예요.": [("유명세에 비해 별로예요", "overall", "bad")],
    "역에서 가깝지만 주차는 불편해요. 테이블이 끈적거렸고 배달은 한 시간 늦게 식어서 왔어요.": [
        ("역에서 가깝지만", "location", "good"), ("주차는 불편해요", "location", "bad"),
        ("테이블이 끈적거렸고", "cleanliness", "bad"), ("배달은 한 시간 늦게 식어서 왔어요", "delivery", "bad"),
    ],
    "리조또가 너무 느끼해서 반도 못 먹었어요. 홍차는 향이 좋네요.": [
        ("리조또가 너무 느끼해서", "food", "bad"), ("홍차는 향이 좋네요", "drinks", "good"),
    ],
    "불러도 아무도 안 왔고 음악 소리가 커서 대화가 안 돼요. 컵에 립스틱 자국도 있었습니다.": [
        ("불러도 아무도 안 왔고", "service", "bad"), ("음악 소리가 커서 대화가 안 돼요", "ambience", "bad"),
        ("컵에 립스틱 자국도 있었습니다", "cleanliness", "bad"),
    ],
    "줄이 길어도 기다린 보람이 있는 맛이었어요. 전망도 탁 트였어요.": [
        ("기다린 보람이 있는 맛이었어요", "food", "good"), ("전망도 탁 트였어요", "ambience", "good"),
    ],
    "와이파이가 자꾸 끊겼지만 강아지와 함께 들어갈 수 있어요. 홍차는 쓰기만 해요.": [
        ("와이파이가 자꾸 끊겼지만", "other", "bad"), ("강아지와 함께 들어갈 수 있어요", "other", "good"),
        ("홍차는 쓰기만 해요", "drinks", "bad"),
    ],
    "회사 근처라 점심마다 들르고 보통 비빔밥을 먹습니다.": [],
    "주말에 친구 둘과 오랜만에 다녀왔습니다. 창가 자리에 앉아 버섯 수프를 먼저 먹었는데 진하고 향이 좋았어요. "
    "이어서 나온 볶음밥은 그냥 평범했고 생선조림은 너무 짜서 남겼습니다. 직원분이 알아채고 바로 새로 가져다주셔서 "
    "감동했어요. 셋이 6만 원이면 적당한 가격이에요. 식사 후에는 호수를 한 바퀴 돌았습니다.": [
        ("버섯 수프를 먼저 먹었는데 진하고 향이 좋았어요", "food", "good"), ("볶음밥은 그냥 평범했고", "food", "bad"),
        ("생선조림은 너무 짜서 남겼습니다", "food", "bad"), ("바로 새로 가져다주셔서 감동했어요", "service", "good"),
        ("적당한 가격이에요", "price", "good"),
    ],
}  # fmt: skip

EXAMPLES: Mapping[str, Mapping[str, Said]] = MappingProxyType({"en": ENGLISH, "ko": KOREAN})
