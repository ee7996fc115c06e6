/** Each line stands where it is used, in both languages: none exists in one only. */

export const chinese = document.documentElement.lang.startsWith("zh");

/** The line in the reader's language. */
export function t(zh: string, en: string): string {
  return chinese ? zh : en;
}

const LOCALE = chinese ? "zh-CN" : "en-GB";

/** A moment of the server (ISO) as people write it; "" for none. */
export function moment(iso: string | null | undefined): string {
  if (!iso) return "";
  return new Date(iso).toLocaleString(LOCALE, { dateStyle: "medium", timeStyle: "short" });
}

/** How long ago, in words: "3 minutes ago", "昨天". */
export function ago(iso: string): string {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });
  for (const [unit, size] of [["day", 86_400], ["hour", 3_600], ["minute", 60]] as const) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  }
  return t("刚刚", "just now");
}

/** A count with its thousands apart. */
export function count(n: number): string {
  return n.toLocaleString(LOCALE);
}

/** A probability as a percentage. */
export function percent(p: number): string {
  return `${Math.round(p * 100)}%`;
}
