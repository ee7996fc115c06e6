/** Calls the server as the signed-in person: the session is a cookie, and every change carries its CSRF token. */

import { t } from "./words.ts";

/** A problem (RFC 9457) the server answered with, or no answer at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly slug: string,
    message: string,
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** The shop the page is about. */
export const shop = document.body.dataset.shop ?? "";

const csrf = document.querySelector<HTMLMetaElement>("meta[name=csrf]")?.content ?? "";

/** An address with query parameters; empty ones are left out. */
export function address(path: string, query: Record<string, string | number | undefined> = {}): string {
  const wanted = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(wanted.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

export function get<T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> {
  return call<T>("GET", address(path, { shop, ...query }));
}

export function post<T>(path: string, body: Record<string, unknown> = {}): Promise<T> {
  return call<T>("POST", path, JSON.stringify({ shop, ...body }));
}

export function send<T>(method: "PUT" | "PATCH" | "DELETE", path: string, body: Record<string, unknown> = {}): Promise<T> {
  return call<T>(method, path, JSON.stringify({ shop, ...body }));
}

/** Sends a file with its progress, 0 to 1: fetch cannot tell how much has been sent. */
export function upload<T>(path: string, file: Blob | FormData, type: string, told: (done: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(headers(type))) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
    request.onerror = () => reject(unreachable());
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status < 300) resolve(body as T);
      else reject(problemOf(request.status, body));
    };
    request.send(file);
  });
}

/** A file the server makes, saved by the browser under its name. */
export async function download(path: string, name: string): Promise<void> {
  const answer = await fetch(path, { headers: headers("") }).catch(() => Promise.reject(unreachable()));
  if (!answer.ok) throw problemOf(answer.status, parsed(await answer.text()));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function call<T>(method: string, path: string, body?: string): Promise<T> {
  const answer = await fetch(path, { method, headers: headers(body === undefined ? "" : "application/json"), body: body ?? null }).catch(
    () => Promise.reject(unreachable()),
  );
  const read = parsed(await answer.text());
  if (answer.ok) return read as T;
  throw problemOf(answer.status, read);
}

function headers(type: string): Record<string, string> {
  return { accept: "application/json", "x-csrf-token": csrf, ...(type ? { "content-type": type } : {}) };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function unreachable(): Problem {
  return new Problem(0, "unreachable", t("连不上服务器，刚才的改动没有保存，请稍后再试。", "The server cannot be reached. Nothing was changed; try again."));
}

function problemOf(status: number, body: Record<string, unknown>): Problem {
  const slug = String(body.type ?? "").split("/").pop() || "internal";
  if (status === 401) {
    location.assign(`/console/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  return new Problem(status, slug, said(slug, String(body.detail ?? "")), body);
}

/** Details come in English; what people meet often is said in their language first. */
function said(slug: string, detail: string): string {
  const zh: Record<string, string> = {
    "not-allowed": "登录已过期，请重新登录。",
    forbidden: "您的账号没有这个权限，或页面已过期，请刷新。",
    "not-found": "找不到了，可能已被别人改动，请刷新。",
    conflict: "现在不能这样做。",
    "too-large": "文件或内容太大。",
    "no-knowledge": "店铺还没有发布过知识。",
    "too-many-requests": "操作太频繁，请稍等。",
  };
  return t(zh[slug] ? `${zh[slug]}（${detail}）` : detail, detail) || t("没有成功，请再试一次。", "It did not work; try again.");
}
