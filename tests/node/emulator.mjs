// Starts the Slack emulator of the npm package `emulate` on loopback.
//
//   node emulator.mjs PORT SEED     (SEED: JSON, the emulator's own seed configuration)

import { Server } from "node:net";

// The emulator would listen on every address of the machine.
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  return typeof port === "number" ? listen.call(this, port, "127.0.0.1", ...rest) : listen.call(this, port, ...rest);
};

const { createEmulator } = await import("emulate");
const [port, seed] = process.argv.slice(2);
await createEmulator({ service: "slack", port: Number(port), seed: JSON.parse(seed) });
console.log("ready");
