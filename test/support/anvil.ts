/** Foundry's chain as a process of its own. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const ANVIL = join(
  dirname(createRequire(import.meta.url).resolve("@foundry-rs/anvil-linux-amd64/package.json")),
  "bin/anvil",
);

export interface Anvil {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Starts anvil on a free port; `options` go to its command line. */
export const startAnvil = async (options: readonly string[] = []): Promise<Anvil> => {
  const child = spawn(
    ANVIL,
    ["--port", "0", "--hardfork", "prague", "--accounts", "30", ...options],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const url = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`anvil ended with ${String(code)}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const port = /Listening on [\d.]+:(\d+)/.exec(line)?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
  });
  return {
    url,
    close: () =>
      new Promise<void>((resolve) => {
        child.removeAllListeners("exit");
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
};
