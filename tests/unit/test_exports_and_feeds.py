"""What other programs export: merchant feeds, schema.org data in pages, help centres, both of Shopify's headers."""

# ruff: noqa: E501
from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.knowledge.chunk import Chunk, Kind
from ingestion.reading import FileRead, Reader
from ingestion.recognise import keep_renamed
from ingestion.sources import SourceFile

ITEM = """<item><g:id>TNT-2</g:id><g:title>Two-person tent</g:title><g:description>Light &amp; dry.</g:description>
<g:link>https://shop.example/tent</g:link><g:image_link>https://shop.example/t.jpg</g:image_link>
<g:price>249.00 GBP</g:price><g:availability>in_stock</g:availability><g:condition>new</g:condition>
<g:brand>Larchwood</g:brand><g:color>Moss</g:color><g:product_type>Camping &gt; Tents</g:product_type>
<g:shipping><g:country>GB</g:country><g:price>4.99 GBP</g:price></g:shipping>
<g:product_detail><g:section_name>Fabric</g:section_name><g:attribute_name>Waterproof</g:attribute_name>
<g:attribute_value>3000 mm</g:attribute_value></g:product_detail></item>"""
FEED = f"""<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Larchwood</title>
{ITEM}<item><g:id>X</g:id></item></channel></rss>"""


def read(file: Path, content: str | bytes) -> FileRead:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = Reader(ZoneInfo("Europe/London"))
    reader.read([SourceFile(file, f"knowledge/{file.name}")])
    return reader.finish()[0]


def of_kind(found: FileRead, kind: Kind) -> list[Chunk]:
    assert found.error == ""
    return [chunk for chunk in found.chunked.chunks if chunk.kind is kind]


def test_a_merchant_feed_becomes_products_in_words_shoppers_know(tmp_path: Path) -> None:
    found = read(tmp_path / "feed.xml", FEED)
    [tent] = of_kind(found, Kind.PRODUCT)
    assert (tent.title, tent.locator) == ("Two-person tent", "TNT-2")
    assert dict(tent.attributes) == {
        "Name": "Two-person tent",
        "Price (GBP)": "249.00",
        "Brand": "Larchwood",
        "Availability": "In stock",
        "Condition": "New",
        "Color": "Moss",
        "Category": "Camping > Tents",
        "Description": "Light & dry.",
        "Waterproof": "3000 mm",
    }
    assert [(row.row, row.reason) for row in found.chunked.skipped] == [(3, "the product has no title")]


def test_a_chinese_feed_is_told_in_chinese(tmp_path: Path) -> None:
    item = "<entry><g:id>A1</g:id><title>云朵拖鞋</title><g:price>59.00 CNY</g:price><g:availability>out of stock</g:availability></entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">{item}</feed>'
    [shoe] = of_kind(read(tmp_path / "feed.xml", feed), Kind.PRODUCT)
    assert dict(shoe.attributes) == {"名称": "云朵拖鞋", "价格（元）": "59.00", "库存状态": "无货"}


def test_a_feed_as_a_table_is_the_same_products(tmp_path: Path) -> None:
    head = "id\ttitle\tdescription\tlink\timage_link\tprice\tavailability\titem_group_id\tsize"
    row = "A1-M\tRain jacket\tKeeps dry\thttps://x.example/a\thttps://x.example/a.jpg\t89.00 GBP\tpreorder\tA1\tM"
    [jacket] = of_kind(read(tmp_path / "feed.tsv", f"{head}\n{row}\n"), Kind.PRODUCT)
    assert (jacket.locator, jacket.group) == ("A1-M", "A1")
    assert jacket.attributes["Price (GBP)"] == "89.00"
    assert jacket.attributes["Availability"] == "Preorder"
    assert "image_link" not in jacket.attributes


def test_a_sale_price_with_its_dates_holds_then_and_not_before(tmp_path: Path) -> None:
    extra = "<g:sale_price>199.00 GBP</g:sale_price><g:sale_price_effective_date>2026-11-20T00:00+0000/2026-11-30T23:59+0000</g:sale_price_effective_date>"
    chunks = of_kind(
        read(tmp_path / "feed.xml", FEED.replace("</g:price><g:avail", f"</g:price>{extra}<g:avail", 1)), Kind.PRODUCT
    )
    usual = [chunk for chunk in chunks if chunk.valid_from is None]
    dated = [chunk for chunk in chunks if chunk.valid_from is not None]
    assert "Sale price (GBP)" not in usual[0].attributes
    assert dated[0].attributes["Sale price (GBP)"] == "199.00"


@pytest.mark.parametrize(
    "content",
    [
        "<?xml version='1.0'?><urlset><url><loc>https://x.example</loc></url></urlset>",
        "<?xml version='1.0'?><rss><channel><title>news</title></channel></rss>",
    ],
)
def test_other_xml_is_left_alone_and_named(tmp_path: Path, content: str) -> None:
    found = read(tmp_path / "sitemap.xml", content)
    assert (found.error, found.chunked.chunks) == ("", [])
    assert "only Google Merchant feeds" in found.chunked.warnings[0]


def test_a_feed_that_turns_into_something_else_keeps_its_products(tmp_path: Path) -> None:
    had = read(tmp_path / "feed.xml", FEED).chunked.chunks
    now = read(tmp_path / "feed.xml", "<html><body>503</body></html>")
    keep_renamed([now], had)
    assert "it held knowledge and does not any more" in now.error


@pytest.mark.parametrize("content", ["<rss><channel><item>", "no xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><rss>&a;'])
def test_a_damaged_feed_says_so(tmp_path: Path, content: str) -> None:
    assert "the XML is damaged" in read(tmp_path / "feed.xml", content).error


def test_no_entity_of_a_feed_is_ever_resolved(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    evil = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>' + FEED.partition("?>")[2].replace(
        "Moss", "&x;"
    )
    found = read(tmp_path / "feed.xml", evil)
    assert "s3cret" not in " ".join(chunk.text for chunk in found.chunked.chunks)
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE rss [<!ENTITY l0 "ha">{laughs}]>' + FEED.partition("?>")[2].replace("Moss", "&l11;")
    texts = " ".join(chunk.text for chunk in read(tmp_path / "bomb.xml", bomb).chunked.chunks)
    assert len(texts) < 10_000


FAQ_PAGE = {
    "@context": "https://schema.org",
    "@type": "FAQPage",
    "mainEntity": [
        {
            "@type": "Question",
            "name": "Do you gift-wrap?",
            "acceptedAnswer": {"@type": "Answer", "text": "<p>Yes, for £3.</p>"},
        },
        {"@type": "Question", "name": "No answer?"},
    ],
}
PRODUCT = {
    "@context": "https://schema.org/",
    "@type": "Product",
    "name": "Two-person tent",
    "sku": "TNT-2",
    "brand": {"@type": "Brand", "name": "Larchwood"},
    "weight": {"@type": "QuantitativeValue", "value": 1.9, "unitCode": "KGM"},
    "additionalProperty": [{"@type": "PropertyValue", "name": "Waterproof", "value": "3000", "unitText": "mm"}],
    "offers": {
        "@type": "Offer",
        "price": "249.00",
        "priceCurrency": "GBP",
        "availability": "https://schema.org/InStock",
    },
}


def page(*data: object, body: str = "") -> str:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(one)}</script>' for one in data)
    return f"<html><head><title>Help</title>{scripts}</head><body>{body}</body></html>"


def test_questions_a_page_marks_up_are_rows_and_not_told_twice(tmp_path: Path) -> None:
    body = "<h1>Help</h1><p>Our desk is open daily.</p><h3>Do you gift-wrap?</h3><p>Yes, for £3.</p><h3>Parking</h3><p>Behind the house, free for two hours.</p>"
    found = read(tmp_path / "help.html", page(FAQ_PAGE, body=body))
    [asked] = of_kind(found, Kind.FAQ)
    assert (asked.title, asked.text, asked.locator) == (
        "Do you gift-wrap?",
        "Yes, for £3.",
        "row 2 | Do you gift-wrap?",
    )
    texts = " ".join(chunk.text for chunk in of_kind(found, Kind.POLICY))
    assert "open daily" in texts
    assert "two hours" in texts
    assert "£3" not in texts
    documents = [document.document_id for document in found.chunked.documents]
    assert len(documents) == len(set(documents))


def test_a_product_page_is_a_product(tmp_path: Path) -> None:
    found = read(tmp_path / "tent.html", page({"@graph": [{"@type": "WebSite"}, PRODUCT]}, body="<p>Buy it today.</p>"))
    [tent] = of_kind(found, Kind.PRODUCT)
    assert dict(tent.attributes) == {
        "Name": "Two-person tent", "Price (GBP)": "249.00", "Brand": "Larchwood", "Availability": "In stock",
        "Weight": "1.9 kg", "Waterproof": "3000 mm",
    }  # fmt: skip


def test_variants_of_a_group_share_what_the_group_says(tmp_path: Path) -> None:
    group = {
        "@type": "ProductGroup", "productGroupID": "RJ", "name": "Rain jacket", "material": "Nylon",
        "hasVariant": [
            {"@type": "Product", "sku": f"RJ-{size}", "size": size, "offers": {"price": 89, "priceCurrency": "GBP"}}
            for size in ("S", "M")
        ],
    }  # fmt: skip
    small, medium = of_kind(read(tmp_path / "j.html", page(group)), Kind.PRODUCT)
    assert (small.locator, medium.locator, small.group) == ("RJ-S", "RJ-M", "RJ")
    assert (medium.title, medium.attributes["Material"], medium.attributes["Size"]) == ("Rain jacket", "Nylon", "M")


def test_careless_linked_data_harms_nothing(tmp_path: Path) -> None:
    body = "<h1>Help</h1><p>Our desk is open daily.</p>"
    broken = '<script type="application/ld+json">{"@type": "FAQPage", </script>'
    odd = page([[[]], 3, None, {"@type": ["FAQPage"], "mainEntity": "x"}, {"@type": "Product"}], body=broken + body)
    [chunk] = read(tmp_path / "a.html", odd).chunked.chunks
    assert chunk.text == "Our desk is open daily."


def article(number: int, title: str, body: str, **more: object) -> dict[str, object]:
    return {"id": number, "title": title, "body": body, "locale": "en-gb", "section_id": 7, "draft": False, **more}


def test_a_help_centres_export_is_questions_and_texts_for_everyone(tmp_path: Path) -> None:
    export = {
        "sections": [{"id": 7, "name": "Delivery"}],
        "articles": [
            article(1, "How long is delivery?", "<p>Two to three days.</p>"),
            article(
                2,
                "Delivery abroad",
                "<p>We ship to many places.</p><h2>Norway</h2><p>Six working days, duty is paid by you.</p>",
            ),
            article(3, "Coming soon", "<p>x</p>", draft=True),
            article(4, "For staff", "<p>The code of the safe.</p>", user_segment_id=12),
            article(5, "Empty", "<p> </p>"),
        ],
    }
    found = read(tmp_path / "help.json", json.dumps(export))
    [asked] = of_kind(found, Kind.FAQ)
    assert (asked.title, asked.text, asked.section) == ("How long is delivery?", "Two to three days.", "Delivery")
    assert [chunk.locator for chunk in of_kind(found, Kind.POLICY)][-1] == "Norway"
    assert "safe" not in " ".join(chunk.text for chunk in found.chunked.chunks)
    assert [row.row for row in found.chunked.skipped] == [3, 4, 5]
    assert len({document.document_id for document in found.chunked.documents}) == 2


def test_json_records_are_read_like_lines_of_jsonl(tmp_path: Path) -> None:
    records = [
        {"id": "a", "title": "Wrap", "question": "Do you gift-wrap?", "answer": "Yes.", "kind": "faq", "language": "en"}
    ]
    [asked] = of_kind(read(tmp_path / "r.json", json.dumps(records)), Kind.FAQ)
    assert asked.title == "Do you gift-wrap?"


def test_other_json_is_left_alone_and_damaged_json_says_so(tmp_path: Path) -> None:
    other = read(tmp_path / "package.json", '{"name": "x"}')
    assert other.error == ""
    assert "no help centre's export" in other.chunked.warnings[0]
    assert "not valid JSON near line 1" in read(tmp_path / "bad.json", "{").error


@pytest.mark.parametrize(
    ("head", "row"),
    [
        (
            "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Price,Status",
            "tent,Two-person tent,<p>Dry.</p>,Larchwood,Tents,Color,Moss,TNT-2,1900.0,249.00,active",
        ),
        (
            "URL handle,Title,Description,Vendor,Type,Option1 name,Option1 value,SKU,Weight value (grams),Price,Status",
            "tent,Two-person tent,<p>Dry.</p>,Larchwood,Tents,Color,Moss,TNT-2,1900.0,249.00,Active",
        ),
    ],
)
def test_both_generations_of_shopifys_header_are_the_same_product(tmp_path: Path, head: str, row: str) -> None:
    [tent] = of_kind(read(tmp_path / "products_export.csv", f"{head}\n{row}\n"), Kind.PRODUCT)
    assert (tent.title, tent.locator, tent.group) == ("Two-person tent", "TNT-2", "tent")
    assert dict(tent.attributes) == {
        "Name": "Two-person tent", "Description": "Dry.", "Brand": "Larchwood", "Type": "Tents", "Color": "Moss",
        "Shipping weight": "1900 g", "Price": "249.00",
    }  # fmt: skip
