/** How the client is used: checked by the compiler, and never run. */

import { connect, once, type Hit, type Profile } from "./index.js";

export async function chat(baseUrl: string, token: string, said: string): Promise<string> {
  const memory = connect({ baseUrl, token });
  const user = { user_id: "will" };
  await memory.POST("/api/v1/users/{user_id}/threads/{thread_id}/messages", {
    params: { path: { ...user, thread_id: "today" }, header: once() },
    body: { messages: [{ role: "user", content: said }] },
  });
  const { data, error } = await memory.GET("/api/v1/users/{user_id}/profile", {
    params: { path: user, query: { about: said, max_tokens: 500 } },
  });
  if (error) throw new Error(error.detail);
  const known: Profile = data;
  const found = await memory.GET("/api/v1/users/{user_id}/search", {
    params: { path: user, query: { query: said } },
  });
  const hits: Hit[] = found.data ?? [];
  // @ts-expect-error: a profile has no such thing
  void known.nonsense;
  return [known.text, ...hits.map((hit) => hit.text)].join("\n");
}
