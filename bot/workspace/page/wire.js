// Talks to the workspace: does what a person did, follows what changes.
import { state } from "./state.js";

const KINDS = ["message", "deleted", "ephemeral", "dismissed", "views", "connected"];
let source = null;

/** Do something as the person who was chosen, though what they see may still be on its way; return what Slack shows them: {error, text, errors}. */
export async function act(what, asked = {}) {
  let answer;
  try {
    answer = await fetch("act", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ do: what, user: state.chosen ?? state.me, ...asked }),
    });
  } catch {
    return { error: "the local workspace does not answer", errors: {} };
  }
  if (answer.status === 401) return { error: "this page's token is no longer the right one", errors: {} };
  const said = await answer.json().catch(() => ({ impossible: `HTTP status ${answer.status}` }));
  return said.impossible ? { error: said.impossible, errors: {} } : said;
}

/** Follow the feed as a person; after a break the browser asks anew and all is sent again. */
export function follow(user, { onSnapshot, onChange, onBreak, onEnd }) {
  source?.close();
  const mine = new EventSource(user ? `feed?user=${encodeURIComponent(user)}` : "feed");
  source = mine;
  mine.addEventListener("snapshot", (event) => mine === source && onSnapshot(JSON.parse(event.data)));
  for (const kind of KINDS) {
    mine.addEventListener(kind, (event) => mine === source && onChange(kind, JSON.parse(event.data)));
  }
  mine.addEventListener("error", async () => {
    if (mine !== source) return;
    onBreak();
    if (mine.readyState !== EventSource.CLOSED) return;
    onEnd((await fetch("./", { method: "HEAD" }).catch(() => null))?.status ?? 0);
  });
}
