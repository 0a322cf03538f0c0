"""Anchors: reviews of known sentiment, written for this project, on which a model's words are measured."""

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
