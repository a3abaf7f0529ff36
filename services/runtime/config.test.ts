import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AssayError } from "@assay/protocol/errors";
import { z } from "zod";
import { readEnvironment } from "./config.ts";

const environment = z.object({
  ASSAY_URL: z.url().describe("Where it is"),
  ASSAY_PORT: z.coerce.number().int().max(65_535).default(80).describe("Port to listen on"),
});

describe("readEnvironment", () => {
  test("default: parses, fills in defaults, and takes an empty variable for none", () => {
    assert.deepEqual(readEnvironment(environment, { ASSAY_URL: "http://a", ASSAY_PORT: "" }), {
      ASSAY_URL: "http://a",
      ASSAY_PORT: 80,
    });
  });

  test("behavior: names every bad key with its meaning, and nothing else of the environment", () => {
    assert.throws(
      () => readEnvironment(environment, { ASSAY_PORT: "1e9", SECRET: "hush" }),
      (error: unknown) => {
        assert.ok(error instanceof AssayError);
        assert.equal(error.code, "CONFIG_INVALID");
        assert.match(error.message, /ASSAY_URL: .*\(Where it is\)/);
        assert.match(error.message, /ASSAY_PORT: .*\(Port to listen on\)/);
        assert.doesNotMatch(JSON.stringify(error.details) + error.message, /hush/);
        assert.match(error.remedy ?? "", /ASSAY_URL, ASSAY_PORT/);
        return true;
      },
    );
  });
});
