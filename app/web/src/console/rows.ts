/** Rows of the knowledge as editors see them, and the calls that change them. */

import { get, post, send } from "../staff/api.ts";

export type Fields = Record<string, string | string[] | Record<string, string>>;

/** A row as a line of a list. */
export interface Row {
  key: string;
  version: string;
  kind: "faq" | "policy" | "product" | "brand";
  path: string;
  locator: string;
  row: number | null;
  title: string;
  text: string;
  section: string;
  language: string;
  phrasings: number;
  valid_from: string | null;
  valid_until: string | null;
  state: "file" | "edited" | "added" | "disabled";
  pending: boolean;
  conflict: boolean;
}

export interface Edit {
  number: number;
  key: string;
  action: "add" | "change" | "disable" | "enable";
  fields: Fields;
  author: string;
  at: string;
  batch: string;
  staged: boolean;
  undone_at: string | null;
  undone_by: string;
  settled: string;
  can_undo: boolean;
  title?: string;
  path?: string;
}

/** A row in full. */
export interface FullRow extends Row {
  release: number | null;
  fields: Fields;
  built: Fields | null;
  file: Fields | null;
  edits: Edit[];
}

export interface Counts {
  chunks: number;
  pending: number;
  conflicts: number;
  edited: number;
}

export interface DocumentLine {
  path: string;
  name: string;
  kind: string;
  kinds: Record<string, number>;
  sections: string[];
  chunks: number;
  edited: number;
  disabled: number;
  pending: number;
  conflicts: number;
}

export interface Tree {
  release: number | null;
  live: number | null;
  counts: Counts;
  documents: DocumentLine[];
}

export interface Conflict extends Row {
  gone: boolean;
  mine: Fields | null;
  theirs: Fields | null;
  base: Fields | null;
  merged: Fields | null;
  author: string;
  at: string | null;
}

const BASE = "/v1/knowledge";

export const rows = {
  tree: () => get<Tree>(`${BASE}/documents`),
  list: (wanted: Record<string, string | number | undefined>) => get<{ total: number; chunks: Row[] }>(`${BASE}/chunks`, wanted),
  one: (key: string) => get<FullRow>(`${BASE}/chunks/${key}`),
  change: (key: string, version: string, fields: Fields) => send<FullRow>("PATCH", `${BASE}/chunks/${key}`, { version, fields }),
  add: (fields: Fields) => post<FullRow>(`${BASE}/chunks`, { fields }),
  toggle: (row: Row, disable: boolean) => post<FullRow>(`${BASE}/chunks/${row.key}/${disable ? "disable" : "enable"}`, { version: row.version }),
  bulk: (items: Row[], action: string, fields: Record<string, unknown> = {}) =>
    post<{ batch: string | null; changed: number }>(`${BASE}/chunks/bulk`, { items: items.map(({ key, version }) => ({ key, version })), action, fields }),
  edits: (offset = 0) => get<{ total: number; edits: Edit[] }>(`${BASE}/edits`, { offset, limit: 40 }),
  undo: (what: { numbers?: number[]; batch?: string }) => post(`${BASE}/edits/undo`, what),
  conflicts: () => get<{ total: number; conflicts: Conflict[] }>(`${BASE}/conflicts`),
  resolve: (conflict: Conflict, choice: string, fields?: Fields) => post(`${BASE}/conflicts/${conflict.key}/resolve`, { version: conflict.version, choice, ...(fields ? { fields } : {}) }),
};
