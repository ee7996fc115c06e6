"""Words that carry no topic, and words of shops that the general Chinese dictionary cuts wrongly."""

from __future__ import annotations

_CHINESE = """
的 了 吗 呢 啊 吧 呀 嘛 么 哦 噢 哈 嗯 哎 呗 啦 喔 我 你 您 他 她 它 咱 我们 你们 他们 她们 它们 咱们 大家 是
在 和 与 及 或 就 都 也 很 还 把 被 给 对 从 到 以 而 但 但是 不过 因为 所以 如果 那么 然后 请 请问 一下 一个
这 那 这个 那个 这些 那些 这里 那里 这样 那样 什么 怎么 怎样 怎么样 如何 为什么 哪 哪个 哪些 哪里 能 能不能
可以 可不可以 会 会不会 要 想 想要 有没有 是不是 是否 有 个 些 点 亲 亲亲 您好 你好 谢谢 麻烦 老板 客服 之 其
此 该 并 将 又 再 已 已经 着 过 得 地 呃 诶 喂 帮 帮我 告诉 知道 问 问下 里 上 下 中 说 一
"""
_ENGLISH = """
a an the and or but if then so of to in on at for from by with as is are was were be been being am do does did
done doing have has had having will would shall should can could may might must i me my mine you your yours he
him his she her hers it its we us our ours they them their theirs this that these those there here what which
who whom whose when where why how any some just please hi hello hey thanks thank tell know want need like get
got about also too very really into than im ive id ill its dont doesnt didnt cant wont isnt arent thats whats
theres let lets
"""
_SHOP = """
退货 换货 退换货 退款 退货费 运费 包邮 邮费 运费险 优惠券 满减 尺码 码数 下单 拍下 发货 到货 补货 缺货 现货
预售 签收 拒收 快递费 揽收 取件 保价 价保 差价 发票 专票 普票 保修 质保 返修 包装 礼盒 贺卡 会员 积分 券码
起球 掉色 缩水 褪色 偏大 偏小 机洗 手洗 干洗 烘干 色差 瑕疵 七天无理由 无理由 货到付款 以旧换新 顺丰 中通 圆通
韵达 申通 极兔 京东 花呗 微信 支付宝 偏远地区 开线 脱线 充绒量 含绒量
"""

STOP_ZH = frozenset(_CHINESE.split())
STOP_EN = frozenset(_ENGLISH.split())
"""Without apostrophes: "don't" is compared as "dont"."""
SHOP_ZH = tuple(_SHOP.split())
