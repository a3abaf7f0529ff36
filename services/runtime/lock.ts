/**
 * One process a state folder: two would sign with the same key and two memories. The lock is a file that names its
 * process; it appears whole or not at all, because it is linked into place.
 */
import { randomBytes } from "node:crypto";
import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AssayError } from "@assay/protocol/errors";

const TRIES = 20;
const PAUSE_MS = 10;

/** What is said to a second process. */
export interface LockRefusal {
  readonly code: string;
  readonly remedy: string;
}

/** Takes the lock; the function returned gives it back. A lock whose process is gone is taken over. @throws the refusal's code */
export const lockFolder = async (
  path: string,
  refusal: LockRefusal,
): Promise<() => Promise<void>> => {
  const id = randomBytes(8).toString("hex");
  const mine = `${process.pid} ${await birthOf(process.pid)} ${id}\n`;
  const draft = `${path}.${id}.new`;
  await writeFile(draft, mine, { mode: 0o600 });
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      if (await linked(draft, path)) {
        const other = await setAside(path, mine);
        if (other === undefined) return () => release(path, mine);
        // Whoever moved that lock here is about to put it back.
        await release(path, mine);
        throw runs(path, other, refusal);
      }
      const found = await contentOf(path);
      if (found === undefined) continue;
      if (await isHeld(found)) throw runs(path, found, refusal);
      await takeAway(path, found);
      await sleep(Math.random() * PAUSE_MS);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new AssayError(refusal.code, `cannot lock ${path}`, { retryable: true });
};

/** Removes a dead lock. Between reading and renaming, a living one may have come in its place: that one is put back. */
const takeAway = async (path: string, dead: string): Promise<void> => {
  const aside = `${path}.${randomBytes(8).toString("hex")}.old`;
  try {
    await rename(path, aside);
    const moved = await contentOf(aside);
    if (moved !== undefined && moved !== dead)
      // Refused only while another starter has linked its own; that one sees what is set aside and withdraws.
      for (let tries = 0; !(await linked(aside, path)); tries++) {
        if (tries === TRIES) return;
        await sleep(PAUSE_MS);
      }
    await rm(aside, { force: true });
  } catch (error) {
    // Another starter was faster.
    if (codeOf(error) !== "ENOENT") throw error;
  }
};

/** A living lock that another starter has set aside; those of the dead are removed. */
const setAside = async (path: string, mine: string): Promise<string | undefined> => {
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith(".old")) continue;
    const content = await contentOf(join(folder, name));
    if (content === undefined || content === mine) continue;
    if (await isHeld(content)) return content;
    await rm(join(folder, name), { force: true });
  }
  return undefined;
};

const linked = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
};

const release = async (path: string, mine: string): Promise<void> => {
  if ((await contentOf(path)) === mine) await rm(path, { force: true });
};

const contentOf = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
};

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Whether the process that wrote this still runs, and not another under its number. */
const isHeld = async (content: string): Promise<boolean> => {
  const [number, birth = UNKNOWN] = content.trim().split(" ");
  const pid = Number(number);
  if (!isAlive(pid)) return false;
  const now = await birthOf(pid);
  // Where nothing is known but the number, it cannot be told whether this very process has it a second time.
  return birth === UNKNOWN || now === UNKNOWN ? pid !== process.pid : birth === now;
};

const UNKNOWN = "unknown";

/** When a process began: the machine's start and field 22 of `/proc/<pid>/stat`, clock ticks since then. */
const birthOf = async (pid: number): Promise<string> => {
  try {
    const [boot, stat] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      readFile(`/proc/${pid}/stat`, "utf8"),
    ]);
    // The second field is a name in brackets, which may hold anything; the third follows the last bracket.
    const ticks = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .at(22 - 3);
    return ticks === undefined ? UNKNOWN : `${boot.trim()}/${ticks}`;
  } catch {
    return UNKNOWN;
  }
};

const isAlive = (pid: number): boolean => {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
};

const runs = (path: string, content: string, { code, remedy }: LockRefusal): AssayError => {
  const pid = Number(content.split(" ")[0]);
  return new AssayError(code, `process ${pid} already works in this folder`, {
    remedy,
    details: { path, pid },
  });
};
