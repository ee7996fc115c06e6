"""Takes off what people say around questions and answers: greetings, thanks, promises, what is one shopper's own."""

from __future__ import annotations

import re

from app.chat.language import join_sentences, language_of
from app.knowledge.sentences import split_sentences
from app.knowledge.tokenize import words
from app.review.mask import PLACEHOLDER

_POLITE_ZH = (
    r"亲爱的|亲亲|亲|您好呀?|你好呀?|哈喽|嗨|在吗|在么|在不在|有人吗|请问一下|请问|想请问|想问一下|想问下|"
    r"想问|问一下|问下|咨询一下|咨询下|"
    r"咨询个?问题|麻烦问一?下|麻烦您?|打扰了?一?下?|不好意思|老板|店家|掌柜的?|客服|小二|小姐姐|那个|嗯+|"
    r"哦+|好的?呢?|就是|帮我看下|"
    r"我想知道|想知道"
)
_POLITE_EN = (
    r"hi|hello|hey|hiya|good (?:morning|afternoon|evening)|there|team|sorry to bother you|sorry|excuse me|"
    r"quick question|"
    r"just wondering|i was wondering|wondering|just checking|i(?:'| a)?m just asking|please|ok|okay|so|um+|well|"
    r"could you tell me|can you tell me|i(?:'d| would) like to know|question for you|one more thing"
)
_BEFORE = re.compile(
    rf"^(?:(?:{_POLITE_ZH})[\s，,。.~～！!？?、:：]*|(?:{_POLITE_EN})\b[\s,.!?:;–—-]*)+", re.IGNORECASE
)
_AFTER = re.compile(
    r"(?:[\s，,。.~～！!]*(?:谢谢[啦你您哦]?|多谢|感谢|麻烦了|辛苦了?|拜托了?|急|在线等|thanks?(?: a lot| so much)?|"
    r"thank you(?: so much)?|cheers|thx|ty|please|pls|if that's ok|asap)[\s。.~～！!🙏😊]*)+$",
    re.IGNORECASE,
)
_PARTICLES = re.compile(r"[呀啊呢哈哦噢嘛哟喔哒~～]+([？?。！!]*)$")

_EMPTY_ZH = re.compile(
    r"您好|你好|亲|在的?|哈喽|欢迎光临|很高兴为您服务|久等了?|不好意思|抱歉|请稍等|稍等|马上|这就|"
    r"帮您(?:看|查|核实)|我(?:来|先)?(?:看|查)|"
    r"感谢|谢谢|不客气|祝您|还有.{0,6}(?:问题|帮)|随时.{0,6}(?:找|联系)|满意|好评|收到|明白|好的|可以的|"
    r"嗯|没关系|理解您?|我是|为您服务|"
    r"希望.{0,6}帮到|辛苦|再见|拜拜|工号"
)
_EMPTY_EN = re.compile(
    r"^(?:hi|hello|hey|good (?:morning|afternoon|evening)|thanks?|thank you|no (?:problem|worries)|"
    r"sure(?: thing)?|of course|"
    r"absolutely|great question|good question|happy to help|sorry|apologies|one moment|just a (?:moment|"
    r"sec)|bear with me|let me|"
    r"i(?:'ll| will| am|'m| have|'ve)\b|you're welcome|have a|is there anything|anything else|"
    r"hope (?:that|this)|let us know|"
    r"let me know|feel free|take care|bye|kind regards|best wishes|yes|okay|ok|right|my name|this is|speaking)\b",
    re.IGNORECASE,
)
_TELLS = re.compile(
    r"\d|天|小时|元|可以|不能|不可|支持|需要|请在|free|within|days?|hours?|cannot|can't|must|only", re.IGNORECASE
)
_OWN = re.compile(
    r"(?:您|你)(?:的|这)(?:个|一)?(?:订单|包裹|快递|这单|单子|那单|地址|电话|账户)|这边(?:帮|给)您(?:登记|"
    r"备注|改|查|申请|催)|已经?(?:帮|为|给)您|"
    r"您是.{1,10}吗|\byour (?:order|parcel|package|refund|address|account|number|delivery) (?:is|was|has|"
    r"will|went|of)\b|"
    r"\bfor you(?:r order)?\b.*\b(?:now|already|just)\b|\bi(?:'ve| have) (?:just |now )?(?:checked|noted|"
    r"updated|changed|sent|asked)\b",
    re.IGNORECASE,
)
_VOCATIVE = re.compile(
    r"^(?:(?:是这样的|这个的话|这个嘛|亲爱的|亲亲|亲|您好|你好|哈喽|嗯+|好的|是的|可以的|没问题|不好意思|抱歉|"
    r"收到)(?:\[姓名\])?(?:先生|女士|小姐)?[\s，,~～！!。呢哦哈:：]+|"
    r"\[姓名\](?:先生|女士|小姐)?[\s，,~～！!:：]*|"
    r"(?:so basically|basically|well|hi|hello|hey|dear|sure|of course|no problem|no worries|"
    r"yes|right|ok|okay|thanks|thank you|"
    r"great question|good question)"
    r"(?: there)?(?:[ ,]*\[name\])?\s?[,!.:–—-]+\s*|\[name\]\s?[,!.:]+\s*|(?:so|right|basically) (?=[A-Z]))+",
    re.IGNORECASE,
)
_EMOJI = re.compile(r"[\U0001F300-\U0001FAFF\u2600-\u27BF\uFE0F]+")
_PART = re.compile(r"(?<=[，,。；;！!？?\n（）()])|(?<=[\u3400-\u9fff？?]) (?=[\u3400-\u9fff])|(?<=\.) ")
_SHORT_WORDS = 4


def tidy_question(text: str) -> str:
    """A question without what is said around it. Greetings of several lines go line by line."""
    lines = [_bare(line) for line in _of_all(text).split("\n")]
    return " ".join(line for line in lines if line) or text.strip()


def _of_all(text: str) -> str:
    """Without the parts that hold a placeholder ("my order is …"), where something is asked in the others."""
    if not PLACEHOLDER.search(text):
        return text
    parts = [part for part in _PART.split(text) if part]
    kept = "".join(part for part in parts if not PLACEHOLDER.search(part)).strip(" ，,。.;；:：(（")
    return kept if words(kept) else text


def _bare(line: str) -> str:
    line = _EMOJI.sub("", " ".join(line.split()))
    line = _AFTER.sub("", _BEFORE.sub("", line))
    line = _PARTICLES.sub(r"\1", line).strip(" ，,、~～")
    return line[:1].upper() + line[1:] if line[:1].isascii() else line


def asks_something(text: str) -> bool:
    """Whether anything is left when greetings are taken off."""
    bare = " ".join(_bare(line) for line in text.split("\n"))
    return bool(words(PLACEHOLDER.sub(" ", bare)))


def tidy_answer(masked: str) -> str:
    """What other shoppers could be told of an answer: "" when all of it is courtesy, or about one order.

    `masked` has placeholders already. A sentence with one speaks of one person, so it goes as a whole.
    """
    language = language_of(masked, "zh")
    kept = []
    for sentence in split_sentences(masked):
        bare = _EMOJI.sub("", _VOCATIVE.sub("", sentence.strip())).strip()
        if bare and not (PLACEHOLDER.search(bare) or _OWN.search(bare) or _is_empty(bare, language)):
            kept.append(bare[:1].upper() + bare[1:] if language == "en" else bare)
    return join_sentences(kept, language)


def _is_empty(sentence: str, language: str) -> bool:
    if _TELLS.search(sentence) and len(words(sentence)) > _SHORT_WORDS:
        return False
    told = words(sentence)
    if not told:
        return True
    if language == "en":
        return bool(_EMPTY_EN.search(sentence))
    rest = _EMPTY_ZH.sub("", sentence)
    return len(words(rest)) * 2 < len(told) or (bool(_EMPTY_ZH.search(sentence)) and len(words(rest)) < _SHORT_WORDS)
