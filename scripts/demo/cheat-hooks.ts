/**
 * Turns the provider's agent into a cheat, for the demo of a fraud: `node --import …/cheat-hooks.ts services/provider/main.ts`. The agent
 * itself has no such option: here two modules of the engine are replaced underneath it, in its threads too.
 */
import { registerHooks } from "node:module";

const REPLACED = [
  {
    original: "/services/engine/wasm/backend.ts",
    by: new URL("cheat-backend.ts", import.meta.url),
  },
  {
    original: "/services/engine/reference/walk.ts",
    by: new URL("cheat-walker.ts", import.meta.url),
  },
];

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    const found = REPLACED.find(({ original }) => resolved.url.endsWith(original));
    return found === undefined || context.parentURL === found.by.href
      ? resolved
      : { ...resolved, url: found.by.href };
  },
});
