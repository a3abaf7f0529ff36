import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { startServers } from "./servers.ts";

const isListening = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

describe("startServers", () => {
  test("default: both answer, and leave nothing behind when stopped", async () => {
    const servers = await startServers({ databaseUrl: undefined, redisUrl: undefined });
    const client = new pg.Client({ connectionString: servers.databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ folder: string }>(
      "SELECT current_setting('data_directory') AS folder",
    );
    await client.end();
    assert.ok(await isListening(servers.redisUrl));

    await servers.stop();
    assert.equal(await isListening(servers.databaseUrl), false);
    assert.equal(await isListening(servers.redisUrl), false);
    assert.equal(existsSync(rows[0]?.folder ?? ""), false);
  });

  test("behavior: given servers are used and left alone", async () => {
    const given = { databaseUrl: "postgresql://somewhere/db", redisUrl: "redis://somewhere" };
    const servers = await startServers(given);
    assert.equal(servers.databaseUrl, given.databaseUrl);
    assert.equal(servers.redisUrl, given.redisUrl);
    await servers.stop();
  });

  test("behavior: servers end with the process that started them, even when it is killed", async () => {
    const script = `
      import { startServers } from "${new URL("servers.ts", import.meta.url).href}";
      const servers = await startServers({ databaseUrl: undefined, redisUrl: undefined });
      console.log(servers.databaseUrl);
      setInterval(() => undefined, 1_000);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const url = await new Promise<string>((resolve) => {
      child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    });
    assert.ok(await isListening(url));
    child.kill("SIGKILL");

    let listening = true;
    for (let tries = 0; listening && tries < 600; tries += 1) {
      await sleep(100);
      listening = await isListening(url);
    }
    assert.equal(listening, false);
  });
});
