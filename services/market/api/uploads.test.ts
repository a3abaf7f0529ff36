import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { clientOf, createAllowances, createUploads } from "./uploads.ts";

const exceeded = (error: unknown): boolean =>
  isAssayError(error, "UPLOAD_QUOTA_EXCEEDED") && error.retryable && error.remedy !== undefined;

describe("createAllowances", () => {
  const HOUR = 3_600_000;
  const at = (start: number) => {
    let time = start;
    return { now: () => time, pass: (milliseconds: number) => (time += milliseconds) };
  };

  test("default: a client stores what it may in an hour, to the byte, and then no more", () => {
    const { now } = at(0);
    const allowances = createAllowances(now);
    allowances.take("a", 600, 1_000);
    allowances.take("a", 400, 1_000);
    assert.throws(() => allowances.take("a", 1, 1_000), exceeded);
    allowances.take("b", 1_000, 1_000);
  });

  test("behavior: it comes back evenly, and never more than an hour's", () => {
    const clock = at(0);
    const allowances = createAllowances(clock.now);
    allowances.take("a", 1_000, 1_000);
    clock.pass(HOUR / 4);
    assert.throws(() => allowances.take("a", 251, 1_000), exceeded);
    allowances.take("a", 250, 1_000);
    clock.pass(10 * HOUR);
    allowances.take("a", 1_000, 1_000);
    assert.throws(() => allowances.take("a", 1, 1_000), exceeded);
  });

  test("behavior: what is refused costs nothing, and says how long to wait", () => {
    const clock = at(0);
    const allowances = createAllowances(clock.now);
    allowances.take("a", 900, 1_000);
    assert.throws(
      () => allowances.take("a", 200, 1_000),
      (error) =>
        isAssayError(error, "UPLOAD_QUOTA_EXCEEDED") && error.details["retryAfter"] === 360,
    );
    allowances.take("a", 100, 1_000);
  });

  test("regression: many addresses neither fill the memory nor win back what a client has used", () => {
    const allowances = createAllowances(() => 0);
    allowances.take("heavy", 999, 1_000);
    for (let client = 0; client < 50_000; client++) {
      allowances.take(String(client), 1, 1_000);
      if (client % 5_000 === 0) assert.throws(() => allowances.take("heavy", 2, 1_000), exceeded);
    }
  });
});

describe("createUploads", () => {
  const sessions = {
    providerOf: () => Promise.resolve("0x1111111111111111111111111111111111111111" as const),
  };
  const from = (ip: string, authorization?: string) => ({ ip, headers: { authorization } });

  test("default: an address has its allowance, a session one of its own that is larger", async () => {
    const limits = { bytesPerHour: 100, diskReserve: 0 };
    const uploads = createUploads(limits, tmpdir(), sessions);
    await uploads.admit(from("203.0.113.7"), 100);
    await assert.rejects(uploads.admit(from("203.0.113.7"), 1), exceeded);
    await uploads.admit(from("203.0.113.8"), 1);
    await uploads.admit(from("203.0.113.7", "Bearer x"), 800);
    await assert.rejects(uploads.admit(from("203.0.113.7", "Bearer x"), 1), exceeded);
  });

  test("behavior: the last of the disk is not given away", async () => {
    const limits = { bytesPerHour: 100, diskReserve: 2 ** 60 };
    const uploads = createUploads(limits, tmpdir(), sessions);
    await assert.rejects(
      uploads.admit(from("203.0.113.7"), 1),
      (error) => isAssayError(error, "STORE_FULL") && error.retryable,
    );
  });
});

describe("clientOf", () => {
  test("default: an address is itself", () => {
    assert.equal(clientOf("203.0.113.7"), "203.0.113.7");
    assert.equal(clientOf("::ffff:203.0.113.7"), "::ffff:203.0.113.7");
  });

  test("behavior: the addresses of one IPv6 network are one client, however they are written", () => {
    const one = clientOf("2001:db8:1:2::1");
    assert.equal(one, clientOf("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert.notEqual(one, clientOf("2001:db8:1:3::1"));
    assert.equal(clientOf("::1"), "0:0:0:0::/64");
  });
});
