// Lets a test drive an MCP client by lines of JSON, as tests/clients/drivers/lines.py does.

import { createInterface } from "node:readline";

const say = (id, said) => process.stdout.write(`${JSON.stringify({ id, ...said })}\n`);

// `connect(url, key)` returns a client with `about()`, `tools()` and `call(tool, arguments, options)`.
export async function drive(connect) {
  const sessions = new Map();
  const calls = new Map();

  const session = (url, key) => {
    const name = JSON.stringify([url, key]);
    if (!sessions.has(name)) {
      const opening = connect(url, key);
      sessions.set(name, opening);
      opening.catch(() => sessions.delete(name));
    }
    return sessions.get(name);
  };

  const led = async (command, signal) => {
    const client = await session(command.url, command.key);
    if (command.do === "about") return client.about();
    if (command.do === "tools") return client.tools();
    return client.call(command.tool, command.arguments, {
      signal,
      timeout: 90_000,
      resetTimeoutOnProgress: true,
      onprogress: ({ progress, total, message }) =>
        say(command.id, { progress: [progress, total ?? null, message ?? null] }),
    });
  };

  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    if (command.do === "cancel") {
      calls.get(command.call).abort("given up");
      continue;
    }
    const abort = new AbortController();
    calls.set(command.id, abort);
    led(command, abort.signal).then(
      (result) => say(command.id, { result }),
      (error) => say(command.id, { raised: `${error?.name ?? "Error"}: ${error?.message ?? error}` }),
    );
  }
  for (const opening of sessions.values()) await (await opening).close();
  process.exit(0);
}
