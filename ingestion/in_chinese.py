"""What an ingest notes about files and rows, in Chinese: the console's readers need not know English.

Notes are written in English where they arise; here stands the Chinese of each, by its pattern. What has none is shown
as it is; a test sees to it that there is none such among the notes written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PHRASES: tuple[tuple[str, str], ...] = (
    (r"ignored: (.*)", "忽略了：{0}"),
    (r"nothing in it could be used as knowledge", "里面没有可以当作知识的内容"),
    (r"the record has no text", "这条记录没有正文"),
    (r"the SKU (.*) stands in row (\d+) already", "SKU {0} 在第 {1} 行已经有了"),
    (r"the product (.*) stands in row (\d+) already", "商品 {0} 在第 {1} 行已经有了"),
    (r"(.*) stands in row (\d+) already", "{0} 在第 {1} 行已经有了"),
    (r"its front matter: (.*)", "开头的设置：{0}"),
    (r"neither a SKU nor a name", "既没有 SKU 也没有名称"),
    (r"row (\d+): (.*) stands in no product table; it was kept as it is",
     "第 {0} 行：{1} 不在任何商品表里，按原样保留"),
    (r"row (\d+): (.*) has no SKU; it is known by its name", "第 {0} 行：{1} 没有 SKU，按名称认"),
    (r"the row has (\S+) cells more than the header: put text with separators in quotes",
     "这一行比表头多 {0} 格：含分隔符的文字要加引号"),
    (r"the row has (\S+) cells, the header (\S+): put text with separators in quotes",
     "这一行有 {0} 格，表头只有 {1} 格：含分隔符的文字要加引号"),
    (r"row (\d+): (.*) of (.*) is “(.*)” here and “(.*)” in (.*); the latter was kept",
     "第 {0} 行：{2} 的“{1}”在这里是“{3}”，在 {5} 是“{4}”；采用后者"),
    (r"“(.*)” ends before it begins: it was left out", "“{0}”的结束早于开始，没有采用"),
    (r"the same question and answer stand in row (\d+)", "和第 {0} 行的问题、答案完全相同"),
    (r"rows (\d+) and (\d+) answer “(.*)” differently for the same dates; both were kept",
     "第 {0} 行和第 {1} 行对“{2}”的答案不同、日期相同；两条都保留了"),
    (r"(.*) for the same dates; both were kept", "{0}（日期相同，两条都保留了）"),
    (r"neither a question nor an answer", "既没有问题也没有答案"),
    (r"an answer without a question", "有答案没有问题"),
    (r"the question “(.*)” has no answer", "问题“{0}”没有答案"),
    (r"it ends before it starts: exchange the two dates", "失效早于生效：请把两个日期对调"),
    (r"(.*) is marked as disabled", "{0}标记为停用"),
    (r"(.*) is draft in the shop", "{0} 在店铺里是草稿"),
    (r"(.*) is archived in the shop", "{0} 在店铺里已归档"),
    (r"(.*) is (\S+) in the shop", "{0} 在店铺里的状态是 {1}"),
    (r"edited in the console", "在后台改过"),
    (r"the file is gone", "文件没有了"),
    (r"1 row was changed both here and in the console; the console's text stays",
     "1 条在文件和后台都改过；暂用后台的文字"),
    (r"(\d+) rows were changed both here and in the console; the console's text stays",
     "{0} 条在文件和后台都改过；暂用后台的文字"),
    (r"(.*) of the shop's folder has the same name: (.*)", "店铺文件夹里的 {0} 和它同名：{1}"),
    (r"the upload (.*) has the same name: (.*)", "上传的 {0} 和它同名：{1}"),
    (r"not a format that is read; ignored", "这种格式不读，已忽略"),
    (r"the product has no title", "商品没有标题"),
    (r"a cell has (\S+) characters; at most (\S+) are read", "一个单元格有 {0} 个字，最多读 {1} 个"),
    (r"the line has (\S+) characters; at most (\S+) are read", "这一行有 {0} 个字，最多读 {1} 个"),
    (r"(\S+) invisible characters were removed", "去掉了 {0} 个看不见的字符"),
    (r"(.*) show an error instead of a value and were read as empty", "{0} 显示的是错误而不是值，当作空白"),
    (r"(.*) hold formulas without a result and were read as empty", "{0} 是没有结果的公式，当作空白"),
    (r"the id (.*) stands in line (\d+) already", "编号 {0} 在第 {1} 行已经有了"),
    (r"not valid JSON", "不是合法的 JSON"),
    (r"a JSON object was expected", "这里应该是一个 JSON 对象"),
    (r"“(.*)” is a draft or archived", "“{0}”是草稿或已归档"),
    (r"“(.*)” is for some readers only", "“{0}”只给部分读者看"),
    (r"“(.*)” is marked as outdated", "“{0}”标记为过时"),
    (r"“(.*)” has no text", "“{0}”没有正文"),
    (r"“(.*)” is not a date; write it as 2026-11-01", "“{0}”不是日期；请写成 2026-11-01"),
    (r"“(.*)” is no period; write it as 2026-11-01 至 2026-11-11",
     "“{0}”不是时间段；请写成 2026-11-01 至 2026-11-11"),
    (r"day and month cannot be told apart", "分不清哪个是日、哪个是月"),
    (r"neither is a date", "两个都不是日期"),
    (r"‘?(.*)’? is no time zone; days are counted in (.*)", "{0} 不是时区；按 {1} 计算日期"),
    (r"the columns (.*) are not known and were left out", "不认识的列 {0} 没有采用"),
    (r"the table with the columns (.*) looks like (.*), but its columns are not known: its (\d+) rows were read as "
     r"plain text\. To map them: (.*)", "列为 {0} 的表不认识，{2} 行按普通文字读；可以在“列的含义”里说明"),
    (r"the table with the columns (.*) was read as plain text \((\d+) rows\)", "列为 {0} 的表按普通文字读（{1} 行）"),
    (r"the feed has more than (\S+) products; split it", "商品超过 {0} 个，请拆开"),
    (r"the XML is damaged \((.*)\); export it again", "XML 损坏（{0}），请重新导出"),
    (r"the document is damaged \((.*)\); save it again as docx", "文档损坏（{0}），请重新存成 docx"),
    (r"the document holds no text \(pictures are not read\)", "文档里没有文字（图片不读）"),
    (r"the file holds no rows", "文件里没有行"),
    (r"the table has more than (\S+) rows; split it\. What the file held stays",
     "表格超过 {0} 行，请拆开；原有内容不变"),
    (r"the sheet “(.*)” has more than (\S+) rows; split it\. What the file held stays",
     "工作表“{0}”超过 {1} 行，请拆开；原有内容不变"),
    (r"the table cannot be read: (.*)", "表格读不了：{0}"),
    (r"no table was found: columns must be separated by a comma, semicolon, tab or \|",
     "没有找到表格：列之间要用逗号、分号、制表符或 | 隔开"),
    (r"the file is written again and again while it is read; wait until that is done, then ingest again",
     "读的时候文件一直在被写；等写完再导入"),
    (r"the file is empty", "文件是空的"),
    (r"the file has (\d+) MB; at most (\d+) MB are read: split it", "文件有 {0} MB，最多读 {1} MB，请拆开"),
    (r"(.*) is not read; save it as docx, xlsx, csv, pdf, html or md",
     "{0} 不读；请存成 docx、xlsx、csv、pdf、html 或 md"),
    (r"the file holds nothing but zeros; it is no (.*), export it again", "文件里全是零，不是 {0}；请重新导出"),
    (r"the file holds nothing but zeros; it is damaged, export it again", "文件里全是零，已损坏；请重新导出"),
    (r"the file is encrypted or in the old binary format; save it as a plain (.*)",
     "文件加了密，或是旧的二进制格式；请存成普通的 {0}"),
    (r"the file is damaged or no (.*); export it again", "文件损坏，或不是 {0}；请重新导出"),
    (r"the file is damaged; export the (.*) again", "文件损坏；请重新导出 {0}"),
    (r"the file unpacks to (\d+) MB, more than any (.*) of a shop; it was not opened",
     "文件解开有 {0} MB，超出店铺会有的 {1}；没有打开"),
    (r"no line holds a JSON object(.*)", "没有一行是 JSON 对象"),
    (r"the file holds no text", "文件里没有文字"),
    (r"it is not valid JSON(.*); export it again", "不是合法的 JSON{0}；请重新导出"),
    (r"it holds (\S+) articles; at most (\S+) are read: split it", "有 {0} 篇文章，最多读 {1} 篇，请拆开"),
    (r"it holds no articles", "里面没有文章"),
    (r"the workbook is damaged \((.*)\); save it again as xlsx", "工作簿损坏（{0}），请重新存成 xlsx"),
    (r"the workbook has no filled sheet", "工作簿里没有填了内容的工作表"),
    (r"the page holds no readable text \(only scripts, navigation or hidden parts\)",
     "网页里没有可读的正文（只有脚本、导航或隐藏部分）"),
    (r"the pdf holds no text, only pictures \(a scan\?\); run text recognition on it or send the original",
     "PDF 里没有文字只有图片（扫描件？）；请先做文字识别，或用原稿"),
    (r"(\S+) characters of the pdf have no text behind them; export it again with embedded fonts",
     "PDF 里有 {0} 个字没有对应的文字；请嵌入字体后重新导出"),
    (r"the file is no pdf, whatever its name says; export it again", "文件名是 pdf，内容不是；请重新导出"),
    (r"the pdf is encrypted; remove the password and ingest it again", "PDF 加了密；去掉密码后再导入"),
    (r"the pdf forbids copying its text; remove the protection and ingest it again",
     "PDF 不允许复制文字；去掉保护后再导入"),
    (r"the pdf is damaged \((.*)\); export it again", "PDF 损坏（{0}），请重新导出"),
    (r"the text is neither UTF-8, UTF-16 nor GB18030; save it as UTF-8",
     "文字既不是 UTF-8、UTF-16，也不是 GB18030；请存成 UTF-8"),
    (r"the file says it is (.*) but is not: (.*) at byte (\d+)", "文件自称是 {0} 但不是（第 {2} 个字节）"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.DOTALL), chinese) for pattern, chinese in _PHRASES)
_SHEET = re.compile(r"sheet “(.*?)”: (.*)", re.DOTALL)
_PARTS = {
    "questions and answers": "问答",
    "products": "商品",
    "a file without a suffix": "没有后缀的文件",
    "both count, neither replaces the other; remove the one you do not want":
        "两个都算数，谁也不替换谁；不要的那个请移除",
    "both count, of a SKU that is in both, the folder's values hold; remove the one you do not want":
        "两个都算数，两处都有的 SKU 以文件夹里的为准；不要的那个请移除",
}  # fmt: skip


def in_chinese(note: str) -> str:
    """The note in Chinese; as it is where nobody has written that."""
    if sheet := _SHEET.fullmatch(note):
        return f"工作表“{sheet[1]}”：{in_chinese(sheet[2])}"
    for pattern, chinese in _COMPILED:
        if match := pattern.fullmatch(note):
            return chinese.format(*(_PARTS.get(part, part) for part in (text or "" for text in match.groups())))
    return note


def with_chinese(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report as JSON, with the Chinese of every note beside it under its name and `_zh`."""
    files = [
        {
            **file,
            "error_zh": in_chinese(file["error"]),
            "warnings_zh": [in_chinese(note) for note in file["warnings"]],
            "tables_zh": [in_chinese(note) for note in file["tables"]],
            "skipped": [{**row, "reason_zh": in_chinese(row["reason"])} for row in file["skipped"]],
        }
        for file in report["files"]
    ]
    return {**report, "files": files}
