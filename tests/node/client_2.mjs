// Drives the official TypeScript client from 2.0 on: `client_2.mjs auto` or `client_2.mjs legacy`.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

import { drive } from "./lines.mjs";

await drive(async (url, key) => {
  const client = new Client(
    { name: "placet-tests", version: "1.0.0" },
    { versionNegotiation: { mode: process.argv[2] } },
  );
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { Authorization: `Bearer ${key}` } },
  });
  await client.connect(transport);
  return {
    about: () => ({
      version: client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? null,
      name: client.getServerVersion().name,
      instructions: client.getInstructions() ?? null,
    }),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: (name, args, options) => client.callTool({ name, arguments: args }, options),
    close: () => client.close().catch(() => {}),
  };
});
