/** A typed client of usermemory's HTTP API: `schema.ts` is generated from `openapi.json`. */

import createClient, { type Client } from "openapi-fetch";

import type { paths } from "./schema.js";

export type * from "./schema.js";

export interface Options {
  /** Where the app is mounted, such as `https://memory.example.com`. */
  baseUrl: string;
  /** As `usermemory token create` prints it. */
  token: string;
  /** In place of the platform's own. */
  fetch?: (request: Request) => Promise<Response>;
}

/**
 * Connect to a memory. An operation is called by its method and path, and answers with `data` or,
 * as problem+json has it, with `error`:
 *
 *     const memory = connect({ baseUrl, token });
 *     const { data, error } = await memory.GET("/api/v1/users/{user_id}/profile", {
 *       params: { path: { user_id: "will" }, query: { about: "chess" } },
 *     });
 */
export function connect({ baseUrl, token, fetch }: Options): Client<paths> {
  const headers = { authorization: `Bearer ${token}` };
  return createClient<paths>({ baseUrl, headers, ...(fetch ? { fetch } : {}) });
}

/** Headers of a change that is done once, however often the same request is sent. */
export function once(): { "idempotency-key": string } {
  return { "idempotency-key": crypto.randomUUID() };
}
