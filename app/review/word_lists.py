"""Words that tell names from what only looks like one, because it is written with a capital."""

from __future__ import annotations

_ORDINARY = """
i i'm i've i'd i'll a an the and or but if so no not yes ok okay hi hello hey thanks thank dear please sorry sure mr
mrs ms miss dr what why how when where who which can could would should will do does did is are was were am have has
had my our your their his her its it we you they he she this that these those there here for from to of in on at by
with about as all any some one two three only just also then than too very well good great fine best monday tuesday
wednesday thursday friday saturday sunday january february march april may june july august september october
november december christmas easter halloween black uk usa us eu england scotland wales ireland britain europe
america china japan germany france london english chinese french german british american european paypal klarna visa
mastercard amex apple google pay royal mail dhl ups fedex dpd evri hermes usps amazon ebay facebook instagram tiktok
youtube pdf sms vat gps usb led diy faq app wifi bluetooth xs xl xxl s m l gore-tex mon tue wed thu fri sat sun id
sku pin phone order number name address email zip code billing delivery returns refund refunds regards kind cheers
customer service team support agent unfortunately however once after before because while unlike sometimes let let's
let’s it's that's what's you're we're we'll we've they're don't can't great hope happy glad ah oh and/or size large
small medium
"""
_GIVEN = """
james john robert michael david william richard joseph thomas charles daniel matthew anthony mark donald steven paul
andrew joshua kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan stephen
larry justin scott brandon benjamin samuel gregory frank alexander patrick jack dennis jerry tyler aaron adam nathan
henry zachary douglas peter kyle noah ethan jeremy walter oliver harry leo oscar archie freddie theo mary patricia
jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley kimberly emily
donna michelle carol amanda melissa deborah stephanie rebecca sharon laura cynthia dorothy amy kathleen angela
shirley anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn janet catherine maria
heather diane ruth julie olivia joyce virginia victoria kelly lauren christina joan evelyn judith megan andrea
cheryl hannah jacqueline martha gloria teresa ann sara madison frances kathryn janice jean alice sophie chloe grace
ivan tom tim ben sam joe dan matt mike dave steve chris alex kate jenny lucy priya mei mohammed ahmed fatima ali
omar aisha raj wei ling mario
"""
ORDINARY = frozenset(_ORDINARY.split())
GIVEN = frozenset(_GIVEN.split())
