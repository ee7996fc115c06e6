/** Tables as csv that a spreadsheet shows as they are. */

/** Lines of cells as csv (UTF-8 with its mark, so that spreadsheets read Chinese). */
export function asCsv(lines: string[][]): string {
  return `\ufeff${lines.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")).join("\r\n")}`;
}

/** A spreadsheet must show what a shopper or a model wrote, not run it. */
export function harmless(cell: string): string {
  return /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
}
