/** What the desk's server says, and the calls that change it. */

import { address, get, post, send } from "../staff/api.ts";

export interface Case {
  conversation_id: string;
  shop: string;
  status: string;
  reason: string;
  priority: number;
  language: string;
  queued_at: string;
  offline: boolean;
  ticket: string;
  agent: string;
  agent_name: string;
  tags: string[];
  outcome: string;
  updated_at: string;
  preview?: string;
  excerpt?: string;
  mine_to_take?: boolean;
  wanted_agent: string;
  skill: string;
}

export interface Person {
  agent: string;
  name: string;
  shop: string;
  role: string;
  status: string;
  capacity: number;
  holds: number;
  languages: string[];
  skills: string[];
}

export interface ModeRule {
  mode: string;
  schedule: Record<string, string> | null;
  service_hours: boolean | null;
  queue_at_least: number;
  category: string;
}

export interface ShopMode {
  shop: string;
  now: string;
  mode: string;
  rules: ModeRule[];
  changed_by: string;
}

export interface Queue {
  waiting: Case[];
  mine: Case[];
  held: Case[];
  floor: { waiting: number; present: number; free: number; held: number };
  people: Person[];
  me: Person;
  modes: ShopMode[];
  last_event_id: number;
}

// deno-lint-ignore no-explicit-any
export type Data = Record<string, any>;

export interface LogEvent {
  seq: number;
  type: string;
  time: string;
  data: Data;
}

export interface Order {
  order_id: string;
  status: string;
  created_at: string;
  carrier: string;
  tracking_no: string;
  tracking: { time: string; status: string; desc: string }[];
  items: { sku: string; qty: number; price: string }[];
  address_city: string;
}

export interface Brief {
  summary: string[];
  question: string;
  reason: string;
  emotion: string;
  orders: string[];
  facts: { subject: string; name: string; value: string }[];
  tried: { question: string; decision: string; text: string; confidence: number }[];
  passages: { path: string; locator: string; confidence: number }[];
  ticket: { ticket: string; contact: string; text: string } | null;
}

export interface Conversation {
  id: string;
  shop: string;
  status: string;
  agent: string;
  case: Case | null;
  brief: Brief;
  shopper: { page: string; locale: string; customer_id: string; started_at: string };
  orders: Order[];
  history: Case[];
  events: LogEvent[];
}

export interface Canned {
  id: string;
  shortcut: string;
  title: string;
  zh: string;
  en: string;
  filled_zh: string;
  filled_en: string;
}

/** The shop whose desk this is; "" = all that the person works for, which is what one starts with. */
export const deskShop = new URLSearchParams(location.search).get("shop") ?? "";

const of = (id: string, act = "") => `/v1/desk/conversations/${encodeURIComponent(id)}${act && `/${act}`}`;

export const server = {
  queue: () => get<Queue>("/v1/desk/queue", { shop: deskShop }),
  open: (id: string, lang: string) => get<Conversation>(of(id), { lang, shop: "" }),
  since: (id: string, after: number) => get<{ events: LogEvent[]; status: string; agent: string }>(of(id, "events"), { after, shop: "" }),
  act: (id: string, act: string, body: Data = {}) => post<Data>(of(id, act), body),
  find: (query: Record<string, string>) => get<{ conversations: Case[]; scanned: number }>("/v1/desk/conversations", { shop: deskShop, ...query }),
  presence: (body: Data) => post<Person>("/v1/desk/presence", body),
  mode: (body: Data) => post<ShopMode>("/v1/desk/mode", body),
  canned: (shop: string, conversation = "") => get<{ replies: Canned[] }>("/v1/desk/replies", { shop, conversation }),
  keepCanned: (body: Data) => post<Canned>("/v1/desk/replies", body),
  dropCanned: (shop: string, id: string) => send<void>("DELETE", address(`/v1/desk/replies/${id}`, { shop })),
};
