/**
 * One process a state folder: two would sign with the same key and two memories. A lock is a file that names its process and has a
 * number; it appears whole or not at all, because it is linked into place. It is never taken over, only followed by the next number:
 * whoever links that, and finds none higher, holds the folder. The highest file stays, so that no number that counts comes twice.
 */
import { randomBytes } from "node:crypto";
import { link, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { AssayError } from "@assay/protocol/errors";

const TRIES = 100;

/** What is said to a second process. */
export interface LockRefusal {
  readonly code: string;
  readonly remedy: string;
}

/** Takes the lock; the function returned gives it back. A lock whose process is gone is followed. @throws the refusal's code */
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
      const before = (await numbersOf(path)).at(-1);
      const found = before === undefined ? "" : await contentOf(fileOf(path, before));
      // Removed since, because a higher one has come.
      if (found === undefined) continue;
      if (await isHeld(found)) throw runs(path, found, refusal);
      const number = (before ?? 0) + 1;
      const own = fileOf(path, number);
      if (!(await linked(draft, own))) continue;
      const all = await numbersOf(path);
      if (all.at(-1) === number) {
        for (const lower of all.slice(0, -1)) await rm(fileOf(path, lower), { force: true });
        return () => release(own);
      }
      // It was seen so long ago that this number has been used before.
      await rm(own, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new AssayError(refusal.code, `cannot lock ${path}`, { retryable: true });
};

/** The bare name counts as number 0. */
const fileOf = (path: string, number: number): string =>
  number === 0 ? path : `${path}.${number}`;

/** Numbers of the locks that are there, ascending. */
const numbersOf = async (path: string): Promise<number[]> => {
  const name = basename(path);
  const rests = (await readdir(dirname(path)))
    .filter((file) => file === name || file.startsWith(`${name}.`))
    .map((file) => file.slice(name.length + 1));
  return rests
    .filter((rest) => /^\d*$/.test(rest))
    .map(Number)
    .sort((a, b) => a - b);
};

/** An empty lock is nobody's. */
const release = async (own: string): Promise<void> => {
  await truncate(own).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
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
