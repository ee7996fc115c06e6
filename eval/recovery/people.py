"""How people word things: shoppers who ask the same in many ways, agents who answer in theirs, and whose data it is."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from app.knowledge.sentences import split_sentences

_SURNAMES, _GIVEN = "王李张刘陈杨赵黄周吴徐孙", ("丽", "伟", "敏", "静", "建国", "晓彤", "雅芳", "志强", "欣怡", "子涵")
_FIRST = ("Emma", "Oliver", "Priya", "Hannah", "George", "Fiona", "Callum", "Megan", "Rachel", "Daniel")
_LAST = ("Whitfield", "Okafor", "Brennan", "Kowalski", "Sutherland", "Pemberton", "Nakamura", "Ellison")
_STREETS = ("Acacia Avenue", "Mill Lane", "Station Road", "Victoria Street", "Orchard Close", "Castle Drive")
_ROADS = ("文三路", "中山北路", "解放大道", "人民南路", "学院路")
_CITIES = ("杭州市西湖区", "上海市普陀区", "武汉市江岸区", "成都市武侯区", "南京市鼓楼区")

_ASKS_ZH = (
    "{q}", "请问{q}", "亲，{q}", "你好，{q}", "在吗？{q}", "想问下{q}", "{q}谢谢", "麻烦问一下，{q}",
    "客服你好，{q}急", "那个，{q}",
)  # fmt: skip
_ASKS_EN = (
    "{q}", "Hi, {q}", "Hello there, {q}", "Quick question: {q}", "{q} thanks", "Sorry to bother you, {q}", "Hi! {q}",
    "I was wondering, {q}", "{q} please", "Good morning, {q}",
)  # fmt: skip
_ME_ZH = ("我叫{name}，电话{phone}。{q}", "{q} 我的订单号是{order}", "{q}（微信号 {account}）", "{q} 我住{address}")
_ME_EN = ("My name is {name}. {q}", "{q} My order number is {order}.", "{q} You can reach me on {phone}",
          "{q} My e-mail is {email}")  # fmt: skip
_SWAPS_ZH = (
    ("怎么", "咋"),
    ("多久", "多长时间"),
    ("什么时候", "啥时候"),
    ("可以", "能"),
    ("吗", "不"),
    ("几天", "多少天"),
)
_SWAPS_EN = (("How long", "how many days"), ("Can I", "am I able to"), ("How do I", "what's the way to"),
             ("Do you", "do you guys"), ("What is", "what's"), ("When", "at what time"))  # fmt: skip

_HELLO_ZH = (
    "您好，我是客服小美，很高兴为您服务。",
    "亲，在的呢～",
    "{name}您好，久等了",
    "您好亲，请稍等，我帮您看一下。",
)
_HELLO_EN = ("Hi {first}, thanks for waiting!", "Hello, this is Mei from the team.", "Good afternoon {first}!",
             "Hi there, let me check that for you.")  # fmt: skip
_OWN_ZH = (
    "您的订单{order}我这边已经备注好了。",
    "快递单号是{parcel}，您可以查一下。",
    "稍后会打{phone}联系您。",
    "已经帮您改到{address}。",
)
_OWN_EN = ("I've added a note to your order {order}.", "We'll call you on {phone} tomorrow.",
           "I have sent the form to {email}.", "It will go to {address}.")  # fmt: skip
_BYE_ZH = ("还有什么可以帮您的吗？", "感谢您的咨询，祝您生活愉快～", "有问题随时找我哦😊", "请您放心。")
_BYE_EN = ("Is there anything else I can help with?", "Have a lovely day!", "Let me know if you need anything else.",
           "Hope that helps 😊")  # fmt: skip
_SAYS_ZH = (("我们", "我们这边"), ("需要", "要"), ("不支持", "不能"), ("免费", "不收费"), ("客服",
    "我们客服"), ("一般", "通常"),
            ("签收后", "收到货后"), ("可以", "是可以"), ("目前", "现在"), ("请", "麻烦"))  # fmt: skip
_SAYS_EN = (("you can", "you're able to"), ("We ", "Our team "), ("cannot", "can't"), ("within", "inside"),
            ("It is", "It's"), ("do not", "don't"), ("Yes.", "Yes, sure."), ("takes", "will take"))  # fmt: skip
_LEADS_ZH, _LEADS_EN = ("是这样的，", "这个的话，", "亲，", ""), ("So ", "Basically, ", "Right, ", "")


@dataclass
class Person:
    """A shopper, with what is theirs alone. `used` is what was said of it anywhere."""

    values: dict[str, str]
    used: set[str] = field(default_factory=set)

    def fill(self, template: str, **more: str) -> str:
        """The template with their data in it."""
        self.used |= {self.values[name] for name in re.findall(r"\{(\w+)\}", template) if name in self.values}
        return template.format(**self.values, **more)


def somebody(chance: random.Random, language: str) -> Person:
    """Another shopper."""

    def digits(count: int) -> str:
        return "".join(str(chance.randrange(10)) for _ in range(count))

    account = f"{chance.choice('abcdefgh')}{chance.choice('mnopqr')}x{digits(5)}"
    if language == "zh":
        name = chance.choice(_SURNAMES) + chance.choice(_GIVEN)
        place = (
            f"{chance.choice(_CITIES)}{chance.choice(_ROADS)}{chance.randrange(1, 400)}号{chance.randrange(1, 30)}栋"
        )
        values = {"name": f"{name}女士", "first": name, "phone": f"1{chance.choice('3578')}{digits(9)}",
                  "order": f"TL{digits(10)}", "parcel": f"SF{digits(13)}",
                  "address": f"{place}{digits(3)}室"}  # fmt: skip
    else:
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        place = f"{chance.randrange(1, 200)} {chance.choice(_STREETS)}"
        values = {"name": f"{first} {last}", "first": first, "phone": f"07{digits(3)} {digits(6)}",
                  "order": f"LW-{digits(6)}", "parcel": f"JD{digits(12)}GB", "address": place}  # fmt: skip
    return Person({**values, "email": f"{account}@example.com", "account": account})


def ask(question: str, person: Person, chance: random.Random, language: str) -> str:
    """The question as this shopper words it."""
    swaps, asks, mine = (_SWAPS_ZH, _ASKS_ZH, _ME_ZH) if language == "zh" else (_SWAPS_EN, _ASKS_EN, _ME_EN)
    if chance.random() < 0.4:
        old, new = chance.choice(swaps)
        question = question.replace(old, new, 1)
    if chance.random() < 0.3:
        question = question.rstrip("？?。.")
    if chance.random() < 0.25:
        return person.fill(chance.choice(mine), q=question)
    return chance.choice(asks).format(q=question)


def answer(text: str, person: Person, chance: random.Random, language: str) -> list[str]:
    """What an agent says: hello, the shop's answer in their words, something of this shopper's own, good-bye."""
    zh = language == "zh"
    told = split_sentences(text.replace("；", "。") if zh else text)
    if len(told) > 2 and chance.random() < 0.3:
        del told[chance.randrange(1, len(told))]
    if len(told) > 1 and chance.random() < 0.25:
        told = [*told[1:], told[0]]
    told = [_reworded(sentence, chance, zh) for sentence in told]
    told[0] = chance.choice(_LEADS_ZH if zh else _LEADS_EN) + told[0]
    body = ("" if zh else " ").join(told)
    if chance.random() < 0.4:
        body += ("" if zh else " ") + person.fill(chance.choice(_OWN_ZH if zh else _OWN_EN))
    messages = [body]
    if chance.random() < 0.7:
        messages.insert(0, person.fill(chance.choice(_HELLO_ZH if zh else _HELLO_EN)))
    if chance.random() < 0.6:
        messages.append(chance.choice(_BYE_ZH if zh else _BYE_EN))
    return messages if chance.random() < 0.6 else [("" if zh else " ").join(messages)]


def own_matter(person: Person, chance: random.Random, language: str) -> tuple[str, list[str]]:
    """What concerns one shopper only, and what an agent says to it."""
    asks: tuple[str, ...]
    if language == "zh":
        asks = (
            "我的订单{order}到哪了",
            "帮我把地址改成{address}",
            "我叫{name}，我的快递{parcel}怎么还没到",
            "你们打我电话{phone}了吗",
        )
        says = (
            "您的包裹{parcel}在派送中，今天会送到。",
            "已经帮您把地址改到{address}了。",
            "好的，我让同事打{phone}联系您。",
        )
    else:
        asks = ("Where is my order {order}?", "Please change my address to {address}", "Did you ring me on {phone}?")
        says = ("Your parcel {parcel} is out for delivery.", "Done, it goes to {address} now.", "We will ring {phone}.")
    return person.fill(chance.choice(asks)), [person.fill(chance.choice(says))]


def _reworded(sentence: str, chance: random.Random, zh: bool) -> str:
    for old, new in _SAYS_ZH if zh else _SAYS_EN:
        if old in sentence and chance.random() < 0.5:
            sentence = sentence.replace(old, new, 1)
    return sentence if not zh or sentence.endswith(("。", "！", "？")) else f"{sentence}。"
