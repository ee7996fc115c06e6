/** Keeps the conversation over a reload of the tab. Storage may be forbidden: then it simply is not kept. */

import type { Session } from "./client.ts";

export class Memory {
  constructor(private readonly key: string) {}

  load(): Session | null {
    try {
      const session = JSON.parse(sessionStorage.getItem(this.key) ?? "null");
      return session?.id && session?.token ? session : null;
    } catch {
      return null;
    }
  }

  save(session: Session | null): void {
    try {
      if (session) sessionStorage.setItem(this.key, JSON.stringify(session));
      else sessionStorage.removeItem(this.key);
    } catch {
      /* private mode or a sandboxed frame */
    }
  }
}
