// Drives the official TypeScript SDK before 2.0.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { drive } from "./lines.mjs";

await drive(async (url, key) => {
  const client = new Client({ name: "placet-tests", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { Authorization: `Bearer ${key}` } },
  });
  await client.connect(transport);
  return {
    about: () => ({
      version: transport.protocolVersion,
      name: client.getServerVersion().name,
      instructions: client.getInstructions() ?? null,
    }),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
    close: () => transport.terminateSession().catch(() => {}),
  };
});
