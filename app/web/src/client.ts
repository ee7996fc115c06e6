/** Speaks the shopper's side of the HTTP contract. Knows nothing of the page. */

import { readEvents, type ServerEvent } from "./sse.ts";

export interface Citation {
  path: string;
  locator: string;
  quote: string;
  document_id?: string;
}

export interface Card {
  title: string;
  sku?: string;
  price?: string;
  attributes?: Record<string, string>;
  path?: string;
  locator?: string;
}

export interface ReplyBody {
  message_id: string;
  text: string;
  decision?: string;
  citations?: Citation[];
  related_questions?: string[];
  cards?: Card[];
  handoff?: { reason: string } | null;
  language?: string;
  sentences?: { text: string; citations?: Citation[] }[];
}

export interface Session {
  id: string;
  token: string;
  locale: string;
  disclosure: string;
  welcome: string;
  quick: string[];
  name: string;
  spoken?: boolean;
  /** The customer the shop vouched for; none = anonymous. */
  who?: string;
  accent?: string;
}

/** A failure with an RFC 9457 body; `status` 0 means the server could not be reached or went silent. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly slug: string,
    readonly detail: string,
  ) {
    super(detail || slug || String(status));
  }

  static from(status: number, body: { type?: string; detail?: string }): Problem {
    return new Problem(status, String(body.type ?? "").split(/[/#]/).pop() ?? "", String(body.detail ?? ""));
  }
}

const SILENCE_LIMIT_MS = 60_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Client {
  constructor(
    private readonly server: string,
    private readonly shop: string,
  ) {}

  async start(locale: string, identity: string, who: string): Promise<Session> {
    const body: Record<string, string> = { locale, page: location.href };
    if (this.shop) body.shop = this.shop;
    if (identity) body.identity = identity;
    const answer = await this.post("", body);
    const made = await answer.json();
    return {
      who,
      accent: made.accent,
      id: made.id,
      token: made.token,
      locale,
      disclosure: made.disclosure ?? "",
      welcome: made.welcome?.text ?? "",
      name: made.assistant_name ?? "",
      quick: made.welcome?.quick_questions ?? [],
    };
  }

  /** Sends a message and yields the reply's events. The same clientId twice gives the first reply again. */
  async *send(session: Session, text: string, clientId: string): AsyncGenerator<ServerEvent> {
    const abort = new AbortController();
    let alarm = setTimeout(() => abort.abort(), SILENCE_LIMIT_MS);
    try {
      const body = { text, client_message_id: clientId };
      const answer = await this.post(`/${session.id}/messages`, body, session, "text/event-stream", abort.signal);
      if (!answer.headers.get("content-type")?.includes("event-stream")) {
        yield { id: "", name: "reply.completed", data: await answer.text() };
        return;
      }
      for await (const event of readEvents(answer.body!)) {
        clearTimeout(alarm);
        alarm = setTimeout(() => abort.abort(), SILENCE_LIMIT_MS);
        yield event;
        if (event.name === "reply.completed") return;
        if (event.name === "problem") {
          const problem = JSON.parse(event.data);
          throw Problem.from(problem.status ?? 500, problem);
        }
      }
      throw new Problem(0, "cut-short", "");
    } catch (error) {
      throw error instanceof Problem ? error : new Problem(0, "unreachable", "");
    } finally {
      clearTimeout(alarm);
    }
  }

  /** POSTs to the conversation; a failure is thrown as a Problem. */
  async post(
    path: string,
    body: unknown,
    session?: Session,
    accept = "application/json",
    signal?: AbortSignal,
    method = "POST",
  ): Promise<Response> {
    const raw = body instanceof Blob;
    const headers: Record<string, string> = { "Content-Type": raw ? "application/octet-stream" : "application/json", Accept: accept };
    if (session) headers.Authorization = `Bearer ${session.token}`;
    const init: RequestInit = { method, headers, credentials: "omit" };
    if (body) init.body = raw ? body : JSON.stringify(body);
    if (signal) init.signal = signal;
    const answer = await fetch(`${this.server}/v1/conversations${path}`, init).catch(() => {
      throw new Problem(0, "unreachable", "");
    });
    if (!answer.ok) throw Problem.from(answer.status, await answer.json().catch(() => ({})));
    return answer;
  }

  /** Sends a file. The same clientId twice is one file. */
  upload(session: Session, file: File, clientId: string): Promise<Response> {
    return this.post(`/${session.id}/attachments?${new URLSearchParams({ name: file.name, client_message_id: clientId })}`, file, session);
  }

  /** A file of the conversation. */
  async file(session: Session, id: string): Promise<Blob> {
    return (await this.post(`/${session.id}/attachments/${id}`, null, session, "*/*", undefined, "GET")).blob();
  }

  /** Follows the conversation's event log from its beginning until aborted; reconnects without gap or repeat. */
  async follow(
    session: Session,
    signal: AbortSignal,
    on: { event: (event: ServerEvent) => void; connected: (yes: boolean) => void; gone: () => void; over: () => void },
  ): Promise<void> {
    let last = "";
    let wait = 500;
    while (!signal.aborted) {
      try {
        const headers: Record<string, string> = {
          Accept: "text/event-stream",
          Authorization: `Bearer ${session.token}`,
        };
        if (last) headers["Last-Event-ID"] = last;
        const url = `${this.server}/v1/conversations/${session.id}/events`;
        const answer = await fetch(url, { headers, signal, credentials: "omit", cache: "no-store" });
        if ([401, 403, 404, 410].includes(answer.status)) return on.gone();
        if (answer.status === 204) return on.over();
        if (!answer.ok || !answer.body) throw new Problem(answer.status, "", "");
        on.connected(true);
        for await (const event of readEvents(answer.body)) {
          if (event.id) last = event.id;
          wait = 500;
          on.event(event);
        }
      } catch {
        if (signal.aborted) return;
        on.connected(false);
      }
      // Spread the reconnections of many shoppers after a restart.
      await pause(wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, 15_000);
    }
  }
}
