"""Phrases that settle what a message wants before anything is looked up. Chinese and English.

Each pattern is narrow on purpose: what it misses, the intent classifier and retrieval still see;
what it wrongly takes, a shopper with an honest question loses.
"""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)


INJECTION = _any(
    r"(ignore|disregard|forget|override|bypass|drop(?! off))\b.{0,30}\b(previous|prior|above|earlier|all|your|any|the|system)\b.{0,30}\b(instruction|prompt|rule|guideline|direction|training|polic|restriction|command)",
    r"\b(reveal|show|print|repeat|output|tell me|give me|what('s| is| are)|display|leak|paste|dump)\b.{0,30}\b(system|hidden|secret|initial|original|internal|developer)\b.{0,12}\b(prompt|instruction|message|rule|config|polic)",
    r"\b(repeat|print|output)\b.{0,20}\b(everything|the text|words) above",
    r"\byou are now (called |named |dan\b|free (of|from)|unrestricted|jailbroken|my |the (?!owner|holder|proud|registered)|an? (?!member|customer|subscriber|vip))|\byou are no longer (an? |bound|restricted|limited by|required to follow)",
    r"\b(act|behave|respond|pretend|roleplay|role-play)\b.{0,12}\b(as|like|to be)\b.{0,30}\b(dan|admin|developer|root|unrestricted|jailbr|evil|hacker|manager|owner|no (rules|restrictions|filter))",
    r"\b(developer|debug|admin|god|dan|jailbreak|maintenance) mode\b",
    r"\bsystem\s*(override\b|prompts?\b(?! (me|you|us|for|to)\b))|(?-i:\bSYSTEM\s*:)|(^|[\n.!?。！？\"“])\s*system\s*:|\[/?(inst|system)\]|<\|?(im_start|system|endoftext)|###\s*(system|instruction)",
    r"\bnew (instructions|rules)\s*(:|are)",
    r"\b(reply|respond|answer) (only )?with (the )?(code|word|phrase|string|token|secret)",
    r"\bcanary[-_ ]?(token|code|word|string|phrase|\w*\d)|\w-canary\b",
    r"\b(note|message) (to|for) (the )?(chat)?bot\b|\btreat (this|the next|my next|what follows).{0,24}\bas (coming from|if|an? (instruction|order|command))",
    r"(忽略|无视|忘(记|掉)|不要(理会|管|遵守)|跳过|别管|抛开|绕过).{0,16}(指令|指示|提示词?|规则|设定|要求|限制|约束|命令|对话|内容)",
    r"(输出|显示|告诉我|打印|重复|复述|说出|泄露|给我看|透露|公布|贴).{0,16}(系统|隐藏|内部|初始|原始|完整|你的)(的)?.{0,4}(提示(?!.{0,8}(错误|异常|失败|有误|无效|不足|超时|填写|操作|无法|不能|不支持))|指令|prompt|设定|规则|配置)",
    r"系统提示(词|语)|(你|你们)的(系统|隐藏|内部|初始)(提示|指令)|提示词.{0,6}(是什么|发|给|内容)",
    r"你现在(是(?!不是|否|在)|就是|作为|不再)|(从现在(开始|起)|接下来|此刻起)[,，]?(你(是|就是|不再)|你?(扮演|作为))|你现在扮演",
    r"(进入|开启|切换).{0,6}(开发者|调试|管理员|上帝|越狱|无限制|维护).{0,2}模式",
    r"(扮演|假装|装作).{0,10}(管理员|老板|开发者|没有限制|黑客|店主|内部|系统)",
    r"(回复|输出|回答|说)(暗号|口令|代码|密码|验证码)",
    r"我是.{0,10}(技术|开发|运维|研发|测试)(部|组|岗|人员|团队)?.{0,6}(调试|维护|巡检|测试)模式",
    r"(我是|作为).{0,6}(开发者|管理员|系统管理|工程师|程序员).{0,20}(给我|关闭|解除|开放|执行|改|退款|设)",
)

HUMAN = _any(
    r"(转|找|换|叫|要|接|联系|喊|来|呼叫|有没有|有冇|可以跟|能不能跟|想跟|和)(一?(个|下|位))?(.{0,4})(人工(?!安装|测量|智能|草|费|合成|皮|色素|香|甜|增|钻|宝石)|真人|活人|客服(?!上次|之前|昨天|刚才|刚刚|说的|电话|热线|时间|几点|微信|上班)|人来|(店长|经理|主管|老板|店主)(?!推荐|同款|椅)|人说|人聊|人处理)",
    r"人工(客服|服务|座席|坐席|帮|在吗|在不在|呢|吗|啊|!|！)|^人工$|真人(客服)?$|不(想|要)(跟|和|同)?机器人|别用机器人|机器人.{0,6}(没用|听不懂|滚)|搵(返)?(真)?人|揾人",
    r"\b(speak|talk|chat|connect|transfer|(put|pass|get) (me|us)|get (hold|through))\b.{0,24}\b(human|person|agent|someone|somebody|representative|rep|manager|supervisor|operator|staff(?! discount)|advisor|adviser|real people|people|your team|customer (service|care|support))\b",
    r"\bget (an? |the |your )?(human|person|agent|rep|representative|manager|supervisor|boss|operator)\b(?! discount)|\bget (someone|somebody) (to (call|ring|phone|help|look|speak|talk|contact|answer|deal)|on (here|the)|here|in here|from)",
    r"\b(real|actual|live|proper) (human|person|agent|people|operator)\b",
    r"\b(want|need|prefer|gimme|give me)\b.{0,12}\b(a )?(human|agent|manager|supervisor|real person|representative)\b",
    r"^((human|agent|operator|representative|real person)( pls| please)?[\s,.!]*)+$",
    r"\b(someone|somebody|sombody|person|anyone|anybody) (with|w/?) a (pulse|heartbeat)\b",
    r"not (talk|speak|chat)ing to a (bot|robot|machine)|stop (the )?bot",
)

ANGER = _any(
    r"投诉|差评|骗子|骗人|骗钱|坑人|坑爹|坑钱|垃圾(?!桶|袋|处理|分类|篓)|什么(破|玩意|垃圾|烂)|破(店|东西|客服|玩意)|气死|火大|太过分|恶心|无语死|忍无可忍|糊弄|忽悠|欺骗|欺负|12315|消协|曝光(你|给|出去)|(去|要|给你们?|网上).{0,3}曝光|工商局|太差劲|太差了|烂透|滚(蛋|开|吧|粗)|妈的|他妈|tmd|傻逼|缺德|黑心|没良心|敷衍|受够|耍我|扑街|瓜娃子|啥玩意儿|什么态度|离谱|没人管",
    r"\b(complain|complaint|scam(med|mers?)?|fraud|rip-?off|ripped off|(rubbish|garbage)(?! (bags?|bins?|cans?|disposal))|ridiculous|disgrace(ful)?|disgusting|unacceptable|outrageous|furious|livid|fed up|pissed|angry|appalling|pathetic|useless|terrible service|worst (shop|store|service|company|experience|customer|seller|place|purchase|thing|ever)|(is|are|was|were|re|ur) the worst(?! (weather|case))|joke of a|an absolute joke|fuming|never (buy|shop|order)ing|trading standards|chargeback|thieves|(you|they|he|driver|courier) stole|stole (my|our|from)|wtf|bullshit|sick of|had enough|shambles|taking the (mick|piss))\b",
)

MEDICAL = _any(
    r"孕妇|怀孕|孕期|哺乳|备孕|过敏(了|怎么办|起|反应)|湿疹|皮炎|荨麻疹|治(疗|好|病|得|愈|不治)|能(不能)?治|血(压|糖|脂)高|疗效|药(物|品|效|膏)|吃药|医生|看病|病人|癌|糖尿病|高血压|心脏病|发烧|感冒|痘痘.{0,6}(治|好)|起(疹|红疹|红点)|红肿|副作用|处方|诊断|失眠.{0,6}(治|好)|关节炎|哮喘|降(血压|血糖|血脂)|胃病|胃(痛|疼)|拉(绿便|稀|肚子)|腹泻|便血|便秘|呕吐|退烧|益生菌.{0,4}(吃|补)|(吃|补).{0,4}益生菌",
    r"\b(pregnan\w*|breastfeed\w*|nursing mother|allerg(ic reaction|y attack)|rash|eczema|dermatitis|medical|medicine|medication|doctor|cures? (?!(in|time|at|for|overnight|before|fully|properly|and|or)\b)\w+|treat(s|ing)? ((my|an?|the|his|her) )?(skin|acne|burns?|wounds?|blisters?|cuts?|colds?|coughs?|flu|(back )?pains?|headaches?|migraines?|anxiety|insomnia|spots|warts?|bites?|stings?|hay ?fever|condition|disease|illness|child|baby|son|daughter|husband|wife|toes?|foot|feet|legs?|hands?|fingers?|knees?|scalp|eyes?|throat)|diagnos\w*|prescri\w*|diabet\w*|blood pressure|asthma|arthritis|epilep\w*|heart (condition|disease|problem)|pacemaker|side effects?|frost(bite|nip)|hypothermia|altitude sickness|plantar fasciitis|sprain(ed)?|injur(y|ed)|carbon monoxide|poisoning|infection|symptoms?)\b",
)

LEGAL = _any(
    r"律师|起诉|打官司|法院|法律(责任|问题|规定|上|依据|途径)|违法|犯法|合法(吗|么)|诉讼|消费者权益保护法|消法|合同法|退一赔三|假一赔十.{0,6}法|仲裁|索赔.{0,6}法|侵权",
    r"\b(lawyer|solicitor|attorney|lawsuit|sue|suing|legal(ly)?|liab(le|ility)|statutory|consumer rights act|breach of contract|small claims|illegal)\b",
)

ACCIDENT = _any(
    r"(冒烟|起火|着火|自燃|爆炸|漏电)(了|把|烧|炸|伤|烫)|(烫伤|烧伤|炸伤|电伤|割伤|砸伤|划伤|夹伤)(了|我|孩子|娃|宝宝|人)"
    r"|(我|孩子|娃|宝宝|老人|家人)(的手|的脸)?被.{0,8}(烫|烧|炸|电|割|砸|划|夹)(伤|到了|着了|了一下)|触电了",
    r"\b(caught|went on|is on) fire\b|\b(went up in|burst into) (flames|smoke)\b|\b(started|began) (smoking|sparking|to smoke)\b",
    r"\b(exploded|blew up) (in|on|and|while|when|next)\b|\belectrocuted\b|\b(gave|got) (me|us|him|her|my \w+) (a|an) (electric )?shock\b",
    r"\b(burn(ed|t)|scalded|injured|hurt|cut) (my|our|his|her) (hands?|arms?|legs?|face|eyes?|fingers?|skin|son|daughter|kid|child|baby|toddler|mum|dad)\b",
)
"""Somebody or something came to harm: no text of the shop settles that."""

GREETING = _any(
    r"^(你好|您好|哈喽|哈啰|嗨|喂|hi+|hello+|hey+|hiya|yo|howdy|good (morning|afternoon|evening|day)|早上好|下午好|晚上好|早啊?|在吗|在不在|在么|有人(吗|在吗|么)|老板在吗|客服在吗|亲|亲亲|anyone there|(is )?any(one|body) (there|here|around))[\s!！~～.。,，?？啊呀哈哦呢there亲]*$",
)
THANKS = _any(
    r"^(好的?|嗯+|行|不用(了|啦)?|没有?了|没事了?|no(pe)?( that'?s (all|it|fine|ok))?|nah|that'?s (all|it)|ok(ay)?|great|cool|perfect|cheers|lovely|brilliant|got it|明白了?|知道了?|收到|可以)?[\s,，.。!！~～]*(谢+谢*(你|您|啦|了|哈|老板|亲)?|多谢(晒|啦)?|唔该(晒)?|感谢|辛苦(了|啦)?|thank(s| you| u)?( so much| very much| a lot| a bunch| for.{0,20})?|thx|tysm|ty|cheers|ta|much appreciated)[\s!！~～.。,，啦哈mate呢亲]*$",
)
GOODBYE = _any(
    r"^(no[, ]+)?((没(事|别的|问题|有)了|就这样|好的?|行)[\s，,。]*)?(再见|拜拜?|88+|回见|先这样|没(事|别的|问题)了|bye+( bye)?|goodbye|see (you|ya)|cya|later|that('s| is| will be) all( for now)?|nothing else|晚安|good night)[\s!！~～.。,，了吧啦thanks]*$",
)
ACKNOWLEDGEMENT = _any(
    r"^(好(的|吧|滴|哒|呀)?|嗯+|哦+|噢|行(吧)?|ok(ay)?|k|kk|okey|sure|alright|fine|right|got it|i see|明白(了)?|知道(了|啦)?|懂了|收到|了解|可以|great|cool|perfect|nice|lol|哈哈+|呵呵|嘻嘻|no worries|sounds good|makes sense|不用(了|啦)|没有?了|没事(了|啦))[\s!！~～.。,，]*$",
)
ROBOT = _any(
    r"你(是|系)(不是|唔系)?(个|一个)?(机器人|真人|人工智能|ai|人吗|人还是)|你是谁|你叫(什么|啥)|(你|您)是(人|ai)|机器人(吗|吧|还是)",
    r"\b(are|r) (you|u) (a |an )?(ro)?bot|are you (a )?(human|real|person|ai|machine)|am i (talking|speaking|chatting) (to|with) (a |an )?(bot|robot|ai|human|person|machine)|who are you|what('s| is) your name\b",
)
HOW_ARE_YOU = _any(
    r"^(你)?(最近)?(好吗|怎么样|吃了(吗|没)|今天(好吗|心情)|过得).{0,6}$|\bhow are (you|u)( doing)?( today)?\W*$|how('s| is) it going|what'?s up\W*$|nice (day|weather)|讲(个|一个)笑话|tell me a joke|你(真)?(可爱|聪明|棒|厉害)|love you|我爱你",
)
CAPABILITY = _any(
    r"你(能|会|可以)(干|做|帮我?做?)?(什么|啥|哪些)|有什么功能|怎么用你|\bwhat (can|do) you do\b|what (can|could) (i|you) (ask|help)|how can you help",
)

ORDER = _any(
    r"(我的|我)?(订单|单子|包裹|快递|物流|货|东西|宝贝).{0,10}(到哪|在哪|哪(儿|里)了|啥时候到|什么时候到|几时到|到(了)?没|到边|发(货)?(了)?(没|吗)|状态|进度|查|没到|还没|没收到|怎么还|签收|卡)|查(一?下|下)?(我的)?(订单|物流|快递|单)|单号.{0,8}(多少|是啥|是什么|给)|(物流|快递)(信息|进度|状态|单号|更新)|退款.{0,6}(进度|到账(了)?没|到哪)",
    r"\b(where('s| is| are)|wheres|track|status of|status on|what('s| is) (happening|going on) (with|to)|any (news|update) on|update on|find|check|look ?up|chase|locate)\b.{0,30}\b(order|parcel|package|delivery|shipment|stuff|refund)\b",
    r"\b(my|the) (order|parcel|package|delivery|shipment)\b.{0,40}\b(arriv|ship|come|here|yet|status|late|stuck|lost|dispatch|been|gone|going|out|deliver)",
    r"\bhas (it|my \w+|order).{0,20}(shipped|dispatched|been sent|left)|tracking (number|no|info|link|code) (for|of) (my|order)|when will (my|it|the).{0,20}(arrive|come|get here|be delivered|ship)",
)

FOLLOW_UP = _any(
    r"((那|这)(?!个?(月|天|年|周|时候|会儿))|它|他|她|其|该|此)(个|款|件|条|双|种|些|只|台|套|瓶|盒|边|么|们|的|呢)?|呢[?？]?$|^(还有|另外|然后|如果|要是|可是|但是|不过|所以|换成|改成)|上面|刚才|刚刚|前面|同款|一样(的)?|第(一|二|三|1|2|3)(个|款|种)|嗰|呢个|咁",
    r"\b(it|its|it's|they|them|their|that|this|these|those|one|ones|the same|there|then|he|she)\b|^(and|but|what about|how about|so|or|also|ok so|what if|if)\b|\b(first|second|other|former|latter) one\b|\btoo\?$",
)
MEASURE = re.compile(
    r"[\d.]+|.|(几|多)(天|个|次|久|少|长|大|远|件|位|档|时|点|张)|多长时间|一(回|次|下|般|共|定)|什么|怎么|时候|东西|可以|支持|需要"
    r"|much|many|long|often|far|day|week|hour|cost|price|thing|one|get|take|tak|need|work|do|can",
    re.IGNORECASE,
)
"""Words that ask, or measure, and name nothing"""
