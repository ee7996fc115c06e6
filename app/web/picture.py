"""Which drawing stands in for a product's photograph: the shops of the demo have no pictures to serve."""

from __future__ import annotations

import re
from zlib import crc32

TINTS = 6
"""How many colour moods the style sheet has for drawings."""

_SHAPES: tuple[tuple[str, str], ...] = (
    ("lamp", r"头灯|台灯|手电|提灯|lamp|torch|lantern|\blight\b"),
    ("power", r"充电宝|移动电源|电池|power ?bank|battery|solar"),
    ("stove", r"炉|灶|stove|burner|\bgas\b"),
    ("tent", r"帐篷|天幕|tent|tarp|bivvy"),
    ("mat", r"防潮垫|睡垫|瑜伽垫|\bmats?\b|sleeping pad"),
    ("bag", r"睡袋|sleeping bag|quilt"),
    ("boot", r"鞋|靴|boots?\b|shoes?\b|trainers?\b|gaiters?|crampon"),
    ("sock", r"袜|socks?\b"),
    ("pack", r"背包|双肩包|书包|rucksack|backpack|daypack|\bpack\b|dry ?bag|duffel"),
    ("bed", r"内裤|内衣|毛巾|浴巾|underwear|towel"),
    ("trousers", r"裤|trousers|pants|shorts|leggings"),
    ("glove", r"手套|gloves?|mitts?"),
    ("hat", r"帽|beanie|\bhat\b|\bcap\b"),
    ("tee", r"T恤|短袖|吊带|背心|t-?shirt|\btee\b|\bvest\b"),
    (
        "jacket",
        r"衣|袍|裙|衫|家居服|外套|jacket|coat|fleece|hoodie|gilet|shirt|base layer|midlayer|long sleeve|jumper|dress",
    ),
    ("bed", r"四件套|床|被|枕|毯|bedding|duvet|pillow|sheet|blanket"),
    ("tea", r"茶|龙井|毛尖|普洱|乌龙|\btea\b"),
    ("grinder", r"磨豆|研磨|grinder"),
    ("beans", r"咖啡豆|豆子|beans|roast|espresso blend|coffee blend"),
    ("dripper", r"滤杯|手冲|法压|dripper|pour.?over|french press|aeropress|filter|press\b"),
    ("cup", r"杯|碗|mug|\bcup\b|tumbler"),
    ("flask", r"保温|水壶|flask|bottle|thermos"),
    ("kettle", r"壶|kettle|pot\b|锅|盅|pan\b|cookset"),
    ("appliance", r"电|机|炸|饭盒|appliance|machine|blender"),
    ("jar", r"霜|面膜|膏|cream|balm|wax"),
    ("bottle", r"乳|露|液|精华|油|洁面|防晒|洗|serum|lotion|soap|cleanser|oil|spray"),
    ("pole", r"登山杖|手杖|poles?\b"),
    ("book", r"书|本|地图|map|book|guide"),
)
_COMPILED = tuple((shape, re.compile(pattern, re.IGNORECASE)) for shape, pattern in _SHAPES)


def shape_of(*texts: str) -> str:
    """The drawing for a product; `texts` are what tells most first (name, then category)."""
    for text in texts:
        for shape, pattern in _COMPILED:
            if pattern.search(text):
                return shape
    return "parcel"


def tint_of(name: str) -> int:
    """A colour mood from 0 to TINTS - 1, always the same for the same name."""
    return crc32(name.encode()) % TINTS
