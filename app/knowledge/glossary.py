"""Shop words in the other language: what a small embedder does not know of a question asked across languages.

A question in one language about knowledge in the other is searched with these words added. Nothing here is shown.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PAIRS = """
退货 退回 寄回|return
退款 退钱|refund
换货 调换|exchange|swap
取消|cancel
订单|order
发货 寄出|dispatch|ship
送到 到货 收到 送达|delivery|arrive
运费 邮费|delivery charge|shipping cost|postage
包邮 免运费|free delivery|free shipping
快递 物流|courier|tracking
包裹|parcel|package
地址|address
自提 门店 实体店|store|shop|pickup
营业 开门|open|opening hours
发票|invoice
税|tax|vat
付款 支付|pay|payment
分期|instalment|installment
信用卡|credit card
优惠码 优惠券 券|discount code|coupon|voucher
折扣 打折 优惠|discount|sale
礼品卡|gift card
礼物 送礼|gift
包装|wrap|packaging
会员|member|membership|club
积分|points
价格 多少钱|price|cost
价保 差价 降价|price match|price drop
保修 质保|warranty|guarantee
维修 修理|repair
坏了 质量问题 瑕疵|faulty|broken|damaged|defect
缺货 无货|out of stock|sold out
库存 有货|in stock
尺码 码数|size|sizing
颜色|colour|color
材质 面料|material|fabric
重量 多重|weight
容量|capacity
防水|waterproof
机洗 洗 清洗|wash|clean
烘干|tumble dry|dryer
真丝 桑蚕丝|silk
棉|cotton
羊毛|wool
羽绒|down
夹克 外套|jacket
裤子|trousers|pants
睡衣 家居服|pajamas|pyjamas|loungewear
袜子|socks
靴子 鞋|boots|shoes
背包|backpack|rucksack|pack
被子|duvet|quilt
枕头|pillow
床单 四件套|sheets|bedding
茶|tea
咖啡|coffee
护肤 精华|skin care|serum
防晒|sunscreen|spf
过敏|allergy|rash
保质期 过期|shelf life|expiry
电池|battery
充电|charge|charging
头灯|head torch|headlamp
炉|stove
飞机|plane|flight|aircraft
国外 海外 国际|international|abroad|overseas
偏远|remote
密码|password
账号 账户|account
隐私|privacy|data
投诉|complaint
客服|customer service|support
预售|pre-order|presale
批发 企业 团购|wholesale|bulk|trade
黑五|black friday
双十一 双11|double 11|singles day
春节|spring festival|chinese new year
圣诞|christmas
多久 几天|how long|days
天|day
宠物 狗 猫|pet|dog|cat
宝宝 婴儿|baby
电话|phone
邮箱|email
二手|second-hand
定制 刻字 绣字|custom|engrave|embroider
"""


@lru_cache(maxsize=1)
def _tables() -> tuple[list[tuple[re.Pattern[str], str]], list[tuple[re.Pattern[str], str]]]:
    to_english, to_chinese = [], []
    for line in _PAIRS.strip().splitlines():
        chinese, *english = line.split("|")
        terms = chinese.split()
        to_english.append((re.compile("|".join(map(re.escape, terms))), english[0]))
        stems = "|".join(re.escape(word) for word in english)
        to_chinese.append((re.compile(rf"\b(?:{stems})(?:s|es|ed|d|ing|ped|ping)?\b", re.IGNORECASE), terms[0]))
    return to_english, to_chinese


@lru_cache(maxsize=4096)
def in_other_language(text: str, language: str) -> str:
    """The shop words of a text in the other language, for a text in `language` ("zh" or "en"); "" when it has none."""
    table = _tables()[0 if language == "zh" else 1]
    return " ".join(dict.fromkeys(word for pattern, word in table if pattern.search(text)))
