/** A port for a server that is to come back to it. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems hand out for connections: between two starts nobody is given this one by chance. */
const RANGE = [10_000, 32_000] as const;

/** A free port of 127.0.0.1 that stays free while nobody asks for it by its number. */
export const lastingPort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(...RANGE);
    const server = createServer();
    server.listen(port, "127.0.0.1");
    const free = await once(server, "listening").then(
      () => true,
      () => false,
    );
    server.close();
    if (free) return port;
  }
};
