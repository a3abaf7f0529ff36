/** Loaded before every test file: the random cases of one seed are the same on every machine. */
import { configureGlobal } from "fast-check";

configureGlobal({ seed: Number(process.env["ASSAY_TEST_SEED"]) });
