"""What the demo page itself says, in both languages. What the shop says comes from its knowledge."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HAN = re.compile(r"[一-鿿]")


@dataclass(frozen=True, slots=True)
class PageWords:
    """The page's own words in one language; `{…}` are filled in by the template."""

    lang: str
    title: str
    description: str
    skip: str
    settings: str
    shops: str
    languages: str
    eyebrow: str
    headline: str
    lead: str
    ask_label: str
    ask_placeholder: str
    ask_button: str
    try_these: str
    starters: tuple[str, ...]
    promises: tuple[tuple[str, str], ...]
    products: str
    product_count: str
    variants: str
    from_before: str
    from_after: str
    ask_product: str
    ask_about: str
    product_question: str
    topics: str
    topics_hint: str
    footer: str

    def same_script(self, text: str) -> bool:
        """Whether the text is written in this language's script (a slogan may exist in one language only)."""
        return bool(_HAN.search(text)) == (self.lang == "zh-CN")


ZH = PageWords(
    lang="zh-CN",
    title="演示店铺",
    description="{brand}的演示店铺：边逛边问，每个答案都有出处。",
    skip="跳到商品",
    settings="店铺与语言",
    shops="切换店铺",
    languages="切换语言",
    eyebrow="演示店铺 · 边逛边问",
    headline="欢迎来到{brand}",
    lead="我是{assistant}，商品、物流、退换的问题都可以问我。",
    ask_label="向{assistant}提问",
    ask_placeholder="比如：多久能发货？",
    ask_button="问一问",
    try_these="可以这样问",
    starters=("多久能发货？", "可以退货吗？", "运费怎么算？"),
    promises=(
        ("句句有出处", "点一下角标，看这句话出自哪份资料。"),
        ("参数不靠猜", "价格、尺码、材质都从商品表里逐条查。"),
        ("不懂就转人工", "没有把握的不乱答，带着前文交给同事。"),
    ),
    products="本店好物",
    product_count="共 {count} 款在售",
    variants="{count} 种可选",
    from_before="",
    from_after="起",
    ask_product="问这款",
    ask_about="问问{title}",
    product_question="{title}多少钱？",
    topics="大家常问",
    topics_hint="点一下，直接问",
    footer="由小二作答 · 知识版本第 {release} 版 · {chunks} 条资料",
)

EN = PageWords(
    lang="en",
    title="Demo shop",
    description="The demo shop of {brand}: ask while you look around; every answer shows its source.",
    skip="Skip to products",
    settings="Shop and language",
    shops="Switch shop",
    languages="Switch language",
    eyebrow="Demo shop · ask as you browse",
    headline="Welcome to {brand}",
    lead="I'm {assistant}. Ask me about products, delivery or returns.",
    ask_label="Ask {assistant}",
    ask_placeholder="Say: how long does delivery take?",
    ask_button="Ask",
    try_these="Try asking",
    starters=("How long does delivery take?", "Can I return something?", "How much is shipping?"),
    promises=(
        ("Every line has a source", "Tap the small number to see where it was read."),
        ("Facts are looked up", "Prices, sizes and materials come out of the product rows."),
        ("A person when it counts", "When it is not sure it says so and calls a colleague."),
    ),
    products="From the shop",
    product_count="{count} products",
    variants="{count} options",
    from_before="from",
    from_after="",
    ask_product="Ask",
    ask_about="Ask about {title}",
    product_question="How much is the {title}?",
    topics="Often asked",
    topics_hint="Tap one to ask it",
    footer="Answered by Xiaoer · knowledge release {release} · {chunks} entries",
)

WORDS = {"zh": ZH, "en": EN}
