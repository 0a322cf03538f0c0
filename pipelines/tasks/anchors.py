"""Anchors: reviews of known sentiment, written for this project, on which a model's words are measured."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

POSITIVE = """
Wonderful place, we will come again.
The lamb was tender and the sauce had real depth.
Good food and good service.
Quick delivery, everything was hot and well packed.
I am not easily impressed, but this kitchen won me over.
Really nice cakes.
My parents were treated like royalty. The starters came within minutes, the mains were full of flavour and the bill was smaller than I feared.
Parking is hard to find, but the dumplings are so good that I do not mind.
Thank you to the whole team for a perfect birthday lunch.
Clean, friendly and never boring.
We shared six plates and finished every one of them. The prawns were the highlight, closely followed by the lemon tart.
Best breakfast in this part of town!
The host found us a quiet table by the window and the chef came out to say hello. The menu is short, yet each dish felt special and carefully made.
Fair prices, huge portions, great smiles.
Nothing went wrong and the biryani was fantastic.
Must visit for anyone who likes spicy food.
""".strip().splitlines()

NEUTRAL = """
It was fine, neither good nor bad.
Okay food.
The starters were great, the mains not so much.
A usual neighbourhood restaurant with usual food. It fills you up and that is about it.
Nice decoration and polite waiters, but the chicken was bland and we paid more than it was worth.
Taste was good, quantity was less.
Some days it is good, some days it is not.
The noodles were tasty. The rice was too salty. The drinks took a long time, although the waiter said sorry.
Not bad, not amazing, just average.
I liked the location and the music more than the food, which was only decent.
Three of us enjoyed the meal and two did not. I might try it once more.
Good coffee, poor sandwiches.
Could improve. The curry needs more spice and the staff need more training, but the breads were soft and the prices fair.
It is all right for a cheap meal.
Service was excellent but the pizza was a let-down.
The buffet had many choices. A few were lovely, most were ordinary and one or two were cold.
""".strip().splitlines()

NEGATIVE = """
Horrible experience, stay away.
The lamb was dry and the sauce tasted of nothing.
Bad food and bad service.
The delivery was late, everything was cold and half of it had spilled.
I am usually easy to please, but this kitchen failed at everything.
Really bad cakes.
My parents were treated like a burden. The starters never came, the mains were tasteless and the bill had items we did not order.
Parking is easy to find, but the dumplings were so bad that I threw them away.
They spoiled my birthday lunch and laughed about it.
Dirty, unfriendly and far too expensive.
We ordered six plates and could not finish one of them. The prawns smelled off, and the lemon tart was still frozen.
Worst breakfast in this part of town!
The host kept us standing by the door and the waiter argued with us. The menu is long, yet each dish felt careless and old.
High prices, tiny portions, no smiles.
Everything went wrong and the biryani was awful.
Do not go if you care about your stomach.
""".strip().splitlines()

POSITIVE_KO = """
정말 맛있어요. 또 올게요.
양고기가 부드럽고 소스 맛이 깊어요.
음식도 좋고 서비스도 좋아요.
배달이 빠르고 따뜻하게 잘 포장해서 왔습니다.
웬만해서는 만족하지 않는데 이 집은 인정합니다.
케이크 진짜 맛있다.
부모님 모시고 갔는데 아주 극진히 대접해 주셨어요. 반찬도 금방 나오고 음식마다 맛이 꽉 차 있는데 가격은 생각보다 쌌습니다.
주차는 어렵지만 만두가 너무 맛있어서 괜찮아요.
생일 점심을 완벽하게 챙겨 주신 직원분들 감사합니다.
깨끗하고 친절하고 갈 때마다 즐거워요.
여섯 가지를 시켜서 남김없이 다 먹었어요. 새우가 최고였고 레몬 타르트도 그에 못지않았습니다.
동네에서 아침이 제일 맛있는 집!
조용한 창가 자리로 안내해 주시고 셰프님이 나와서 인사까지 해 주셨어요. 메뉴는 적지만 하나하나 정성이 느껴집니다.
가격 착하고 양 많고 사장님 인상도 좋으세요.
흠잡을 데가 없고 비빔밥은 환상적이었어요.
매운 거 좋아하시면 꼭 가 보세요 강추!
""".strip().splitlines()

NEUTRAL_KO = """
그냥 그래요. 좋지도 나쁘지도 않아요.
맛은 보통.
전채는 훌륭했는데 메인은 별로였어요.
어디에나 있는 동네 식당이고 음식도 평범합니다. 배는 부르고 그게 전부예요.
인테리어는 예쁘고 직원도 친절한데 닭이 싱겁고 값에 비해 아쉬웠어요.
맛은 괜찮은데 양이 적어요.
어떤 날은 맛있고 어떤 날은 아니에요.
국수는 맛있었어요. 밥은 너무 짰고요. 음료는 오래 걸렸지만 직원이 사과는 했습니다.
나쁘지 않지만 특별하지도 않은 딱 평균.
음식보다는 위치랑 음악이 더 마음에 들었어요. 음식은 무난한 정도.
셋은 맛있게 먹고 둘은 입에 안 맞았대요. 한 번쯤은 더 가 볼 수도.
커피는 좋고 샌드위치는 별로.
조금 더 나아졌으면 해요. 찌개는 간이 약하고 직원은 서툴지만 전은 바삭하고 가격은 적당했습니다.
싼값에 한 끼 먹기에는 괜찮아요.
서비스는 좋았는데 피자가 기대 이하였네요.
뷔페 가짓수는 많아요. 몇 가지는 맛있고 대부분 평범하고 한두 가지는 식어 있었습니다.
""".strip().splitlines()

NEGATIVE_KO = """
최악이에요. 절대 가지 마세요.
양고기는 질기고 소스는 아무 맛도 안 나요.
음식도 별로고 서비스도 엉망이에요.
배달이 늦고 다 식은 데다 반은 쏟아져서 왔습니다.
웬만하면 다 잘 먹는데 이 집은 하나도 못 먹겠어요.
케이크 진짜 맛없다.
부모님 모시고 갔는데 찬밥 취급을 당했어요. 반찬은 끝내 안 나오고 음식은 아무 맛도 없는데 시키지도 않은 것까지 계산했습니다.
주차는 쉽지만 만두가 너무 맛없어서 다 버렸어요.
생일 점심을 망쳐 놓고 웃기까지 하더군요.
더럽고 불친절하고 비싸기만 해요.
여섯 가지를 시켰는데 하나도 다 못 먹었어요. 새우에서 냄새가 나고 레몬 타르트는 얼어 있었습니다.
동네에서 아침이 제일 맛없는 집!
자리도 안 주고 세워 두더니 직원은 따지기까지 했어요. 메뉴는 많지만 하나같이 성의 없고 오래된 맛이 납니다.
비싸고 양 적고 사장님 표정도 굳어 있어요.
모든 게 엉망이었고 비빔밥은 끔찍했어요.
배탈 나기 싫으면 가지 마세요 비추!
""".strip().splitlines()

# By language, one sequence for each label of sentiment.
ANCHORS: Mapping[str, Sequence[Sequence[str]]] = MappingProxyType(
    {
        "en": (POSITIVE, NEUTRAL, NEGATIVE),
        "ko": (POSITIVE_KO, NEUTRAL_KO, NEGATIVE_KO),
    }
)
