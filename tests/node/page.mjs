// What a page in a browser loads to speak MCP: the official clients, of both generations.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as Transport1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const about = { name: "placet-page", version: "1.0.0" };
const made = {
  sdk1: () => [new Client1(about), Transport1],
  legacy: () => [new Client(about, { versionNegotiation: { mode: "legacy" } }), StreamableHTTPClientTransport],
  auto: () => [new Client(about, { versionNegotiation: { mode: "auto" } }), StreamableHTTPClientTransport],
};

// Lists the tools and calls some, held ones until they are answered; returns what came, or what was raised.
globalThis.used = async (kind, url, key, calls) => {
  const [client, Transport] = made[kind]();
  const headers = { Authorization: `Bearer ${key}` };
  try {
    await client.connect(new Transport(new URL(url), { requestInit: { headers } }));
    const { tools } = await client.listTools();
    const texts = [];
    for (const [name, args] of calls) {
      const call = { name, arguments: args };
      const { content } =
        kind === "sdk1"
          ? await client.callTool(call, undefined, { onprogress: () => {} })
          : await client.callTool(call, { onprogress: () => {} });
      texts.push(content[0].text);
    }
    await client.close();
    return { tools: tools.map((tool) => tool.name), texts };
  } catch (error) {
    return { raised: `${error.name}: ${error.message}` };
  }
};
